// What is usual of one tool, and what of a result is not. Of one size whatever the tool sends; has no clock; never throws.
import type { Alert, Format, Looked, Seen, Verdict } from '../looked.ts'
import type { ArgumentMemory } from './argument-memory.ts'
import { countBlank, followFaults, tookEmpty, tookNonEmpty, watchedEmpties } from './emptiness.ts'
import { isOpen, kindOf, knowAsFault, slot, slotOf } from './episode.ts'
import { Findings } from './findings.ts'
import { comparedAfterMs, tookAnswer, watchedSame, watchedShared } from './frozen.ts'
import {
  bad,
  badSince,
  born,
  bytes,
  deployedAt,
  empties,
  emptyNoted,
  faults,
  latency,
  numberCount,
  pathResults,
  results,
  rows,
  setTime,
  timeAt,
  weakAlone,
  weakOff,
  weakSeen,
} from './layout.ts'
import { dropLate, knownOf, quantile } from './level-change.ts'
import { adoptLevel, levels, noteLarge, tookBytes, tookLatency, tookRows } from './levels.ts'
import { drop, learnedOf, sumOf, yesOf } from './rate-change.ts'
import { adopt, follow, type Watched } from './rate-episode.ts'
import { amountOf, countAt, learnPath } from './row-path.ts'
import { countFamily, forgetShape, isMixed, jsonShare, tookShape, watchedShape } from './shape-change.ts'
import { byteSize, outOf } from './words.ts'

/** How the results of a tool are judged. */
export interface HowJudged {
  /** `quality.rows`: the path of the rows that count; undefined: the one that takes most of the results. */
  readonly rows: string | undefined
  readonly emptyIsNormal: boolean
  /** It gives what others wrote, in whatever form. */
  readonly isPayload: boolean
  /** `low`: nothing is noted only because it is the first of its kind. */
  readonly sensitivity: 'normal' | 'low'
}

/** What the classifier of results makes use of. */
export interface Learned {
  readonly format: Format
  /** 5 % of the answers have fewer bytes; 0: not known. */
  readonly usuallyAtLeast: number
}

export interface Deployed {
  /** Digest of the tool's contract. */
  readonly contract: string | undefined
  /** What the server says of its version. */
  readonly version: string | undefined
}

/** In numbers, for operators. */
export interface Usual {
  readonly results: number
  readonly empty: number
  readonly rows: { readonly path: string; readonly low: number; readonly median: number; readonly high: number } | undefined
  readonly latencyMs: { readonly median: number; readonly q95: number } | undefined
  readonly bytes: { readonly median: number; readonly q95: number } | undefined
  readonly open: readonly Alert['kind'][]
}

const watchedBad: Watched = { rate: bad, since: badSince, slot: slot.bad, during: 0.9, adoptMs: Number.POSITIVE_INFINITY }

const latest = 4_000_000_000_000
const weakWithin = 60
const weakTimes = 3
const weakShare = 0.1
const aloneTimes = 5
const aloneShare = 0.002
/** So many results until rows that were found by themselves can be missing. */
const pathFrom = 25
const mostText = 64
const rulesOfJson: ReadonlySet<string> = new Set([
  'error_member',
  'not_successful',
  'error_status',
  'errors_member',
  'graphql_errors',
  'error_message',
])
const onlyJson = 0.98
const learnedEvery = 64
/** One for all: it is empty between two results. */
const out = new Findings()

export class ToolHistory {
  private readonly f: Float32Array
  private readonly id: number
  private readonly memory: ArgumentMemory
  private path: string | undefined
  private contract: string | undefined
  private version: string | undefined
  /** What the last deploy was, in words; '': none was seen. */
  private replaced = ''
  /** Of the last result that had the usual shape: most have the same ones, in one array. */
  private keys: readonly string[] | undefined
  private known: Learned | undefined

  /** `id`: sets the tool apart in the memory of arguments. */
  constructor(id: number, memory: ArgumentMemory, numbers: Float32Array = new Float32Array(numberCount)) {
    this.id = id
    this.memory = memory
    this.f = numbers
  }

  take(seen: Seen, of: HowJudged): Verdict {
    const { f } = this
    const nowMs = this.begin(seen.atMs)
    f[results] = Math.min(16_000_000, (f[results] as number) + 1)
    if (f[results] === 1) setTime(f, born, nowMs)
    const { looked } = seen
    if (looked.kind === 'tool_error') {
      tookTime(f, seen.latencyMs)
      return out.verdict()
    }
    const path = of.rows ?? this.path
    const count = path === undefined ? -1 : countAt(looked, path)
    const isData = looked.kind === 'hidden_error' && this.isErrorAsData(looked, of)
    const isFault = isBad(looked) && !isData && !(looked.weak && this.isWeakOff(looked.kind === 'hidden_error'))
    followFaults(f, isFault && !(looked.weak && looked.kind === 'hidden_error'))
    if (isFault) tookBad(f, looked, out)
    else {
      follow(f, watchedBad, 'error_text', false, out)
      const isKnownPath = of.rows !== undefined || (f[pathResults] as number) >= pathFrom
      if (looked.kind === 'empty' || (looked.kind === 'ok' && count === 0 && isKnownPath)) {
        countBlank(f, seen)
        if (looked.format === 'json') countFamily(f, looked)
        noteLarge(f, amountOf(looked.bytes), out)
        if (!of.emptyIsNormal) tookEmpty(f, seen, this.memory, this.id, path !== undefined, of.sensitivity === 'low', out)
      } else this.tookAnswer(seen, of, path, count)
    }
    tookTime(f, seen.latencyMs)
    return out.verdict()
  }

  /** How many rows a result has, where they are usually or take most of it; `configured`: the path of `quality.rows`. Undefined where there are none to count. */
  rowsIn(looked: Looked, configured: string | undefined): number | undefined {
    const path = configured ?? this.path
    const count = path === undefined ? -1 : countAt(looked, path)
    if (count >= 0) return count
    const [most] = looked.rows
    return configured === undefined && most !== undefined ? amountOf(most.count) : undefined
  }

  /** A new contract or another version of the server: what was learned is kept, and alerts of what begins then name it. */
  deployed({ contract, version }: Deployed, atMs: number): void {
    if ((contract === undefined || contract === this.contract) && (version === undefined || version === this.version)) return
    const said: string[] = []
    if (contract !== undefined && this.contract !== undefined && contract !== this.contract) said.push('new contract')
    if (version !== undefined && this.version !== undefined && version !== this.version) said.push(`deploy ${version.slice(0, mostText)}`)
    this.contract = contract ?? this.contract
    this.version = version ?? this.version
    if (said.length === 0) return
    this.replaced = said.join(', ')
    setTime(this.f, deployedAt, timeOf(atMs))
  }

  /** As it was said last. */
  get served(): Deployed {
    return { contract: this.contract, version: this.version }
  }

  /** The last that took the place of another. */
  get deploy(): { readonly what: string; readonly atMs: number } | undefined {
    return this.replaced === '' ? undefined : { what: this.replaced, atMs: timeAt(this.f, deployedAt) }
  }

  /** An operator says of what is told of that the tool is so now, or that it is a fault. */
  acknowledge(kind: Alert['kind'], as: 'normal' | 'fault', atMs: number): readonly Alert[] {
    const { f } = this
    this.begin(atMs)
    const which = slotOf(kind)
    const watched = rates.filter((one) => one.slot === which)
    const level = levels.find((one) => one.slot === which)
    if (as === 'fault') {
      for (const { rate } of watched) drop(f, rate)
      if (isOpen(f, which)) knowAsFault(f, which)
      else if (level !== undefined) dropLate(f, level.at)
    } else {
      for (const one of watched) adopt(f, one, out)
      if (which === slot.empty) f[emptyNoted] = 0
      if (level !== undefined) adoptLevel(f, level, out)
      if (which === slot.shape) {
        forgetShape(f)
        this.keys = undefined
      }
    }
    return out.verdict().alerts
  }

  usual(): Usual {
    const { f, path } = this
    const level = (at: number, base: number) =>
      knownOf(f, at) > 0 ? { median: Math.round(quantile(f, at, 0.5, base)), q95: Math.round(quantile(f, at, 0.95, base)) } : undefined
    return {
      results: f[results] as number,
      empty: f[empties] as number,
      rows:
        path !== undefined && knownOf(f, rows) > 0
          ? {
              path,
              low: Math.round(quantile(f, rows, 0.02, 1)),
              median: Math.round(quantile(f, rows, 0.5, 1)),
              high: Math.round(quantile(f, rows, 0.98, 1)),
            }
          : undefined,
      latencyMs: level(latency, 0.25),
      bytes: level(bytes, 16),
      open: Object.values(slot)
        .filter((which) => isOpen(f, which))
        .map((which) => kindOf(f, which)),
    }
  }

  /** What `historyFrom` makes it of again. */
  saved(): SavedHistory {
    return { numbers: this.f, texts: [this.path ?? '', this.contract ?? '', this.version ?? '', this.replaced] }
  }

  restore([path = '', contract = '', version = '', deploy = '']: readonly string[]): void {
    this.path = path || undefined
    this.contract = contract || undefined
    this.version = version || undefined
    this.replaced = deploy
  }

  private begin(atMs: number): number {
    const nowMs = timeOf(atMs)
    out.begin(nowMs, this.replaced, this.replaced === '' ? 0 : timeAt(this.f, deployedAt))
    return nowMs
  }

  /** Rules that are often wrong are off for a tool that shows them often in its first results: that is how it answers. */
  private isWeakOff(isError: boolean): boolean {
    const { f } = this
    if ((f[results] as number) <= weakWithin) {
      f[weakSeen] = (f[weakSeen] as number) + 1
      if ((f[weakSeen] as number) >= weakTimes && (f[weakSeen] as number) > weakShare * (f[results] as number)) f[weakOff] = 1
    }
    // Now and then one alone, of a tool that is well otherwise: that is what its answers are about.
    if (isError && sumOf(f, bad) === 0 && !isOpen(f, slot.bad) && (f[faults] as number) < 1) {
      f[weakAlone] = (f[weakAlone] as number) + 1
      if ((f[weakAlone] as number) > aloneTimes && (f[weakAlone] as number) > aloneShare * (f[results] as number)) f[weakOff] = 1
    }
    return f[weakOff] === 1
  }

  /** It is what others wrote, or what was looked for: it says nothing of how the tool is. */
  private isErrorAsData({ rule }: Looked, of: HowJudged): boolean {
    if (!rulesOfJson.has(rule)) return false
    if (of.isPayload && rule === 'errors_member') return true
    // A tool that gives values of every kind gives errors as values too.
    return isMixed(this.f)
  }

  /** What the classifier makes use of. */
  learned(): Learned | undefined {
    const { f } = this
    if ((f[results] as number) % learnedEvery !== 0 && this.known !== undefined) return this.known
    const share = jsonShare(f)
    if (share < 0) return undefined
    this.known = {
      format: share >= onlyJson ? 'json' : 'none',
      usuallyAtLeast: 0,
    }
    return this.known
  }

  private tookAnswer(seen: Seen, of: HowJudged, path: string | undefined, count: number): void {
    const { f, memory, id } = this
    const { looked, asked } = seen
    const { nowMs } = out
    const isLow = of.sensitivity === 'low'
    if (looked.kind === 'oversize') {
      out.note({ kind: 'size', rule: looked.rule, seen: byteSize(amountOf(looked.bytes)) })
    }
    const at = memory.find(id, asked)
    const isOverwritten = at !== -1 && memory.isOlderThan(at, seen.wroteAtMs, nowMs)
    if (!of.emptyIsNormal) tookNonEmpty(f, seen, memory, isOverwritten ? -1 : at, count, out)
    if (of.isPayload) countFamily(f, looked)
    else if (tookShape(f, looked, path, looked.keys === this.keys, isLow, out)) this.keys = looked.keys
    this.path = learnPath(f, looked, this.path)
    tookBytes(f, amountOf(looked.bytes), out)
    tookAnswer(f, seen, memory, isOverwritten ? -1 : at, of.isPayload, isLow, out)
    if (count > 0) tookRows(f, count, memory, at, !isOverwritten, out)
    const kept = at === -1 ? memory.add(id, asked, nowMs) : at
    if (isOverwritten) memory.forgetRows(kept)
    memory.noteRows(kept, count > 0 ? Math.log(count + 1) : -1)
    if (at === -1 || isOverwritten || memory.answerAt(kept) === 0 || memory.ageMs(kept, nowMs) >= comparedAfterMs)
      memory.noteAnswer(kept, looked.hash, nowMs)
  }
}

export interface SavedHistory {
  readonly numbers: Float32Array
  readonly texts: readonly string[]
}

const rates: readonly Watched[] = [watchedEmpties, watchedBad, watchedSame, watchedShared, watchedShape]

function timeOf(ms: number): number {
  return ms >= 0 && ms <= latest ? ms : ms > latest ? latest : 0
}

function tookTime(f: Float32Array, ms: number | undefined): void {
  if (ms !== undefined) tookLatency(f, amountOf(ms), out)
}

function isBad({ kind }: Looked): boolean {
  return kind === 'hidden_error' || kind === 'truncated' || kind === 'schema_violation'
}

const badKinds = { hidden_error: 'error_text', truncated: 'truncated', schema_violation: 'result_schema' } as const

function tookBad(f: Float32Array, { kind, rule, excerpt }: Looked, findings: Findings): void {
  const known = badKinds[kind as keyof typeof badKinds]
  const usual = `${outOf(yesOf(f, bad), learnedOf(f, bad))} answers were so before`
  follow(f, watchedBad, known, true, findings)
  findings.note({ kind: known, rule, usual, ...(excerpt === undefined ? {} : { seen: excerpt }) })
}
