// What a tool promises those who call it, and what was judged of a change of it. docs/contracts.md says how.
import type { Payload } from './payload.ts'
import type { Validate } from './violation.ts'

/** A tool's definition as its server sends it, parsed: `name`, `title`, `description`, `inputSchema`, `outputSchema`, `annotations`, … */
export type ToolContract = Readonly<Record<string, unknown>>

/** What a change means for callers, from the least to the worst; from `unknown` on it is treated as breaking. */
export const verdicts = ['same', 'additive', 'behavioural', 'unknown', 'ignored', 'breaking'] as const

export type Verdict = (typeof verdicts)[number]

export function worse(a: Verdict, b: Verdict): Verdict {
  return verdicts.indexOf(a) >= verdicts.indexOf(b) ? a : b
}

/** Whether callers that read the old contract may not be served by the new one. */
export function breaks(verdict: Verdict): boolean {
  return verdicts.indexOf(verdict) >= verdicts.indexOf('unknown')
}

/**
 * What callers send: `declared`, arguments that the schema names; `strict`, whatever the schema lets pass, also names that it does not
 * know. Strictly an optional field that is added to an open object breaks whoever sent that name before.
 */
export type Reading = 'declared' | 'strict'

/** SHA-256 in lower-case hex behind the name of the formula: equal text of another formula is no change. */
export interface Digests {
  /** Name, canonical input and output schema, mirrored headers. */
  readonly contract: `c1:${string}`
  /** Effective annotations, task support, defaults and other annotations of schemas, `_meta`; `h2` where vendors have members of it. */
  readonly hints: `h${1 | 2}:${string}`
  /** Titles, descriptions, examples, icons. */
  readonly prose: `p1:${string}`
  /** The whole definition. */
  readonly exact: `x1:${string}`
}

export type ChangeSide = 'input' | 'output' | 'hints' | 'prose'

type Turn = 'added' | 'removed' | 'changed'

export type ChangeKind =
  | `property.${'added' | 'added.required' | 'removed' | 'renamed'}`
  | `required.${'added' | 'removed'}`
  | 'type.changed'
  | `enum.${'added' | 'removed' | 'introduced' | 'dropped'}`
  | 'bound.changed'
  | `object.${'closed' | 'opened'}`
  | `${'anyOf' | 'oneOf' | 'allOf'}.branch.${Turn}`
  | 'condition.changed'
  | 'reference.changed'
  | 'header.changed'
  | `default.${Turn}`
  | `${'prose' | 'description' | 'title'}.changed`
  | `hint.${'claims-safer' | 'claims-riskier' | 'changed'}`
  | 'task.required'
  | `output.${'added' | 'removed'}`
  | 'name.changed'
  /** The input schema lost everything that it said: logically wider, but no contract any more. */
  | 'contract.emptied'
  /** No change by itself has the effect; together they do. */
  | 'combination'
  /** Of a keyword of JSON Schema that has no kind of its own. */
  | `${string}.${Turn}`

export interface Change {
  readonly kind: ChangeKind
  readonly side: ChangeSide
  /** JSON Pointer: for `input` and `output` into the canonical schema, for `hints` and `prose` into the definition. */
  readonly pointer: string
  readonly verdict: Verdict
  /** One sentence without its end: "ref is now target". */
  readonly human: string
  readonly from?: string
  readonly to?: string
  /** Of a rename: how alike the two are, 0 to 1.2. */
  readonly score?: number
  /** What was accepted before and is refused now; of an output, what is given now and was not before. */
  readonly example?: unknown
  /** Where the whole is judged otherwise than this change alone: "harmless in context". */
  readonly note?: string
}

export interface Judgement {
  /** The worst of its changes; prose counts for nothing here, its texts are for screening. */
  readonly verdict: Verdict
  readonly changes: readonly Change[]
  /** Arguments that were accepted and are refused (or ignored) now; of an output, a result that was not possible before. */
  readonly example?: unknown
  /** A schema that cannot be judged or run: the fault of that tool's server. */
  readonly error?: string
  readonly old: Digests
  readonly new: Digests
  /** For operators, one line. */
  readonly human: string
  readonly adapter?: Translation
  /** The time or the steps allowed were not enough: the verdict is `unknown` at least. */
  readonly spent: boolean
}

/** Of calls by an old contract into calls by a new one, and of their results back. */
export interface Translation {
  /** As data; undefined where something has to be said before there is one. */
  readonly adapter?: unknown
  /** It is proved, and nobody has to decide: it may go into force by itself. */
  readonly automatic: boolean
  /** For people: what of it is not proved; absent where all of it is. */
  readonly unproved?: readonly string[]
  /** For people: what has to be said, */
  readonly lacks?: readonly string[]
  /** and how it is written. */
  readonly say?: string
}

/** A change after which calls by the old contract may do something else, or nothing at all. */
export interface BrokenContract {
  /** By what the callers' arguments were made. */
  readonly known: Digests
  /** What the server takes now; undefined until it is judged. */
  readonly current: Digests | undefined
  /** For people and agents. */
  readonly human: string
  readonly changes: readonly Change[]
  readonly example?: unknown
  /** Where a proved translation is approved: it turns calls by the old contract into calls by the new one. */
  readonly adapter: CallAdapter | undefined
}

/** Both are pure and never throw. */
export interface CallAdapter {
  /** Arguments of the old contract as the new one has them. */
  adapted(args: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>
  /** A result of the new contract as the old one has it, its values byte for byte; undefined: as it is. */
  readonly result?: ((result: Payload) => Payload) | undefined
  /** Whether arguments of the old contract become some that the new one takes; undefined where that is proved of all. */
  readonly fits?: ((args: Readonly<Record<string, unknown>>) => boolean) | undefined
}

/** How far what an operator stands for is from what the server says. */
export const contractStates = [
  /** Seen, and not admitted: in no list, and not to be called. */
  'new',
  'admitted',
  /** An operator has seen exactly this, and wants it. */
  'approved',
  /** As before for callers; arguments were added, which are held back. */
  'changed:additive',
  /** The server says of its behaviour what nobody has approved: what was approved holds, and what is riskier holds at once. */
  'changed:hints',
  /** Its words are held back; the old ones are shown. */
  'changed:prose',
  /** Calls by the contract that is shown would go wrong: they are translated, or refused. */
  'changed:breaking',
  /** An operator has seen the change, and does not want it. */
  'rejected',
  /** Two contracts take turns, as of replicas that differ. */
  'split',
] as const

export type ContractState = (typeof contractStates)[number]

/** What calls have to know of the contract of their tool. */
export interface ItemContract {
  /** `c1:…` of what is shown; undefined until it is read. */
  readonly digest: string | undefined
  readonly state: ContractState
  /** Equal as long as nothing of it changes for calls; '' of nearly all. */
  readonly mark: string
  /** Undefined of nearly all: every caller knows what the server takes. */
  readonly change: ContractChange | undefined
  /** Told the arguments of calls that are sent; undefined where none are. */
  readonly undeclared?: UndeclaredArguments | undefined
}

/** Of the contract that is shown: what callers send though it does not declare it. */
export interface UndeclaredArguments {
  /** Never throws. */
  note(args: object): void
}

export interface ContractChange {
  /** The server takes something else than what is shown. */
  readonly live: BrokenContract | undefined
  /** What was shown before and is no longer taken, the latest first. */
  readonly before: readonly OlderContract[]
}

export interface OlderContract {
  /** Who read a list before this has read the old contract, */
  readonly since: number
  /** but who read it before this has read one that is not kept any more. */
  readonly begins: number
  /** `adapter`: of its calls into those of the contract that is shown now; undefined also while that is not judged. */
  readonly broken: BrokenContract
  readonly definition: Payload
  /** Judges arguments by it. */
  readonly validate: Validate
}
