// Results of one tool as they come one after the other, from a seed, without servers: what history is tested with.
import { Histories, type HowJudged, type ToolHistory } from '../../../src/gateway/quality/history/index.ts'
import type { Alert, Looked, Verdict } from '../../../src/gateway/quality/looked.ts'

export interface Draws {
  next(): number
  between(low: number, high: number): number
  /** Log-normal. */
  about(median: number, spread: number): number
  chance(share: number): boolean
}

/** Mulberry32. */
export function drawsOf(seed: number): Draws {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  return {
    next,
    between: (low, high) => low + Math.floor(next() * (high - low + 1)),
    about: (median, spread) => median * Math.exp(spread * Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())),
    chance: (share) => next() < share,
  }
}

export const asUsual: HowJudged = { rows: undefined, emptyIsNormal: false, isPayload: false, sensitivity: 'normal' }
const startMs = Date.UTC(2026, 8, 7, 8)

let hashes = 1
/** Never given before. */
export function aHash(): number {
  hashes += 1
  return Math.imul(hashes, 0x9e3779b1) >>> 0
}

const rowKeys = ['rows:array', 'took:number', 'rows[].id:number', 'rows[].name:string', 'rows[].at:string']

export function rowsResult(count: number, over: Partial<Looked> = {}): Looked {
  const bytes = 30 + count * 80
  return {
    kind: 'ok',
    rule: '',
    weak: false,
    excerpt: undefined,
    format: 'json',
    bytes,
    rows: [{ path: '$.rows', count, bytes: count * 80 }],
    keys: rowKeys,
    form: 0,
    hash: aHash(),
    ...over,
  }
}

export function emptyResult(over: Partial<Looked> = {}): Looked {
  return { ...rowsResult(0), kind: 'empty', rule: 'no_rows', bytes: 22, keys: ['rows:array', 'took:number'], hash: 77, ...over }
}

export function objectResult(over: Partial<Looked> = {}): Looked {
  return { ...rowsResult(3), rows: [], keys: ['id:number', 'name:string', 'price:number', 'at:string'], bytes: 300, ...over }
}

export function errorResult(over: Partial<Looked> = {}): Looked {
  return {
    ...rowsResult(0),
    kind: 'hidden_error',
    rule: 'failure',
    excerpt: 'connection pool exhausted',
    format: 'prose',
    bytes: 40,
    rows: [],
    keys: [],
    ...over,
  }
}

export interface Call {
  readonly asked?: number
  readonly latencyMs?: number
  readonly afterMs?: number
  readonly wroteAtMs?: number
}

/** One tool and those that call it. */
export class Traffic {
  readonly history: ToolHistory
  readonly draws: Draws
  nowMs = startMs
  notes = 0
  calls = 0
  readonly alerts: Alert[] = []
  readonly rules: string[] = []
  private readonly how: HowJudged

  constructor(seed: number, how: Partial<HowJudged> = {}, histories = new Histories()) {
    this.draws = drawsOf(seed)
    this.how = { ...asUsual, ...how }
    this.history = histories.of(`tool-${seed}`)
  }

  call(looked: Looked, { asked = aHash(), latencyMs = this.draws.about(200, 0.2), afterMs = 60_000, wroteAtMs = 0 }: Call = {}): Verdict {
    this.nowMs += afterMs
    this.calls += 1
    const verdict = this.history.take({ looked, atMs: this.nowMs, latencyMs, asked, wroteAtMs }, this.how)
    this.notes += verdict.reasons.length > 0 ? 1 : 0
    this.rules.push(...verdict.reasons.map(({ kind, rule }) => `${kind}/${rule}`))
    this.alerts.push(...verdict.alerts)
    return verdict
  }

  times(count: number, make: (index: number) => Looked, call: (index: number) => Call = () => ({})): this {
    for (let i = 0; i < count; i += 1) this.call(make(i), call(i))
    return this
  }

  /** Calls until the first note and the first alert from now on; 0: none. */
  until(most: number, make: (index: number) => Looked, call: (index: number) => Call = () => ({})): { note: number; alert: number } {
    const found = { note: 0, alert: 0 }
    for (let i = 1; i <= most && found.alert === 0; i += 1) {
      const { reasons, alerts } = this.call(make(i), call(i))
      if (reasons.length > 0 && found.note === 0) found.note = i
      if (alerts.length > 0) found.alert = i
    }
    return found
  }
}
