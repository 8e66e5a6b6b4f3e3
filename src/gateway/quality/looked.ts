// What is seen of one result without any history (the classifier), and what the history of its tool makes of it (baselines and detectors).
// The two rooms know each other by these types alone: `classifier/` gives a `Looked`, `history/` takes a `Seen` and gives a `Verdict`.

/** What one result is by itself. `ok` says only that nothing was found. */
export type ResultKind = 'ok' | 'tool_error' | 'hidden_error' | 'empty' | 'truncated' | 'schema_violation' | 'oversize'

/** The family of its format; a result that changes it has another shape. */
export type Format = 'none' | 'json' | 'jsonl' | 'csv' | 'table' | 'list' | 'prose' | 'markup'

/** Rows that could be counted at one path of the result. */
export interface RowCount {
  /** `$`, `$.rows`, `$.data.items`; of texts `lines`, `table`, `csv`, `bullets`, `blocks`. */
  readonly path: string
  readonly count: number
  /** Bytes of the result that they take. */
  readonly bytes: number
}

export interface Looked {
  readonly kind: ResultKind
  /** Which rule found it: one word of a fixed list, fit for a metric's label; '' of `ok`. */
  readonly rule: string
  /** The rule is often wrong: it is switched off for a tool that shows it often in its first calls. */
  readonly weak: boolean
  /** An error that says so in words: what was read of it, without control characters, at most 200 characters. */
  readonly excerpt: string | undefined
  readonly format: Format
  /** Of what was looked at: the structured content, else the texts together. */
  readonly bytes: number
  /** At most four, those with the most bytes. */
  readonly rows: readonly RowCount[]
  /** Members of the root and of the first row with their types (`rows[].name:string`), at most twelve. */
  readonly keys: readonly string[]
  /** Of all names and types of the structured content, at every depth: equal for results of one form. 0 where there is none. */
  readonly form: number
  /** Of the answer, without what `ignore` names: equal for equal answers. */
  readonly hash: number
}

/** One result as the history of its tool takes it in. */
export interface Seen {
  readonly looked: Looked
  /** Wall-clock time in ms. */
  readonly atMs: number
  /** Undefined where it says nothing of the tool: when somebody asks for the result of a task. */
  readonly latencyMs: number | undefined
  /** Of the arguments: equal for equal ones. */
  readonly asked: number
  /** Wall-clock time in ms of the last call to the same server of a tool that is not known to leave things as they are; 0: none. */
  readonly wroteAtMs: number
}

/** Why a result is doubtful, as agents and people are told of it (`_meta["signalbox.dev/suspect"]`, `signalbox_suspect_total`). */
export interface Reason {
  readonly kind: 'empty' | 'error_text' | 'truncated' | 'result_schema' | 'frozen' | 'size' | 'result_shape' | 'rows'
  /** The row of the detector, one word of a fixed list: `repeat`, `single`, `void`, `slow`, `accumulated`, `open`, … */
  readonly rule: string
  /** What is usual, in words for an agent. */
  readonly usual?: string
  readonly seen?: string
}

/** What people are told once an episode begins, when it grows, and when it ends. */
export interface Alert {
  readonly what: 'opened' | 'updated' | 'closed'
  readonly kind: Reason['kind'] | 'latency'
  /** In words: `4 of 4 answers empty since 10:02; before 0 of 600`. */
  readonly text: string
  /** Results of the episode, and those of them that were as the alert says. */
  readonly results: number
  readonly affected: number
  /** Wall-clock time in ms of its first result. */
  readonly sinceMs: number
  /** For those who look, and to call nobody: often it is only how the data changes. */
  readonly severity?: 'info'
}

export interface Verdict {
  /** What the agent is told of this result; empty: nothing. */
  readonly reasons: readonly Reason[]
  readonly alerts: readonly Alert[]
}
