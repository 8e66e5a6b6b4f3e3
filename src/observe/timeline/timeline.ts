// What a run did, in order, from the rows of the audit: its turns, in each its calls, and to each call what belongs to it. The same again and
// again is one step that says how often.
import { billionthsOf } from '../../core/call/money.ts'
import type { AuditRow } from '../audit/row.ts'

export interface Timeline {
  readonly run: string
  /** Those whose run it is; more than one where two principals named one alike. */
  readonly principals: readonly { readonly tenant: string | null; readonly issuer: string | null; readonly subject: string | null }[]
  /** Programs, as they name themselves, with their version. */
  readonly clients: readonly string[]
  readonly teams: readonly string[]
  /** When the first call began and the last ended, in ms since the epoch. */
  readonly from: number
  readonly to: number
  readonly totals: Totals
  readonly turns: readonly Turn[]
  /** The run has more rows than were read. */
  readonly cut: boolean
}

export interface Totals {
  readonly calls: number
  /** Results that nothing speaks against. */
  readonly good: number
  readonly suspect: number
  /** Tools that said that they failed. */
  readonly errors: number
  readonly faults: number
  /** Refused by a rule of access, of these. */
  readonly denied: number
  /** Refused by a limit, of these. */
  readonly limited: number
  /** Attempts after the first. */
  readonly again: number
  readonly tokens: number
  /** In 10^-9 of the currency, so that sums are exact. */
  readonly costNano: number
  /** Time in calls, one after the other. */
  readonly ms: number
}

export interface Turn {
  /** As the client names it, else the trace id. */
  readonly id: string
  readonly stated: boolean
  readonly from: number
  readonly to: number
  readonly totals: Totals
  readonly steps: readonly Step[]
}

export type StepKind = 'ok' | 'empty' | 'suspect' | 'error' | 'failed' | 'denied' | 'limited' | 'input' | 'task' | 'refused'

export interface Step {
  readonly kind: StepKind
  /** The first of them. */
  readonly call: AuditRow
  /** Since the run began, in ms. */
  readonly afterMs: number
  /** How often the same was done, one directly after the other. */
  readonly times: number
  /** Ids of all of them, the first 20. */
  readonly ids: readonly string[]
  /** When the last of them began. */
  readonly lastAt: number
  readonly totals: Totals
  /** How its answer left, where that was not simply so. */
  readonly delivery: string | undefined
  /** Decisions under its id: credentials, shadow rules, consents. */
  readonly decisions: readonly AuditRow[]
}

const mostIds = 20
const limitKinds: ReadonlySet<string> = new Set(['rate_limited', 'budget_exhausted', 'loop_detected'])

/** `rows`: all of one run, in any order. Undefined where none of them is a call. */
export function timelineOf(run: string, rows: readonly AuditRow[], cut: boolean): Timeline | undefined {
  const calls = rows.filter(({ about }) => about === 'call').sort((a, b) => a.at - b.at || a.seq - b.seq)
  const [first] = calls
  if (first === undefined) return undefined
  const besides = new Map<string, AuditRow[]>()
  for (const row of rows) if (row.about !== 'call' && row.id !== '') besides.set(row.id, [...(besides.get(row.id) ?? []), row])
  const turns = new Map<string, AuditRow[]>()
  for (const call of calls) {
    const id = call.turn ?? call.trace ?? ''
    const known = turns.get(id)
    if (known === undefined) turns.set(id, [call])
    else known.push(call)
  }
  return {
    run,
    principals: distinct(calls, ({ tenant, issuer, subject }) => ({ tenant, issuer, subject })),
    clients: distinct(calls, ({ client, clientVersion }) => [client, clientVersion].filter((one) => one !== null).join(' ')).filter(
      (name) => name !== '',
    ),
    teams: distinct(calls, ({ team }) => team).filter((team) => team !== null),
    from: first.at,
    to: endOf(calls),
    totals: sum(calls.map(totalsOf)),
    turns: [...turns].map(([id, own]) => turnOf(id, own, first.at, besides)),
    cut,
  }
}

function turnOf(id: string, calls: readonly AuditRow[], runFrom: number, besides: ReadonlyMap<string, readonly AuditRow[]>): Turn {
  const steps: Step[] = []
  for (const call of calls) {
    const last = steps.at(-1)
    const step = stepOf(call, runFrom, besides.get(call.id) ?? [])
    if (last !== undefined && isSame(last, step)) steps[steps.length - 1] = together(last, step)
    else steps.push(step)
  }
  const [first] = calls
  return {
    id,
    stated: first?.turn !== null,
    from: first?.at ?? runFrom,
    to: endOf(calls),
    totals: sum(calls.map(totalsOf)),
    steps,
  }
}

function stepOf(call: AuditRow, runFrom: number, besides: readonly AuditRow[]): Step {
  const left = besides.find(({ about }) => about === 'delivery')
  return {
    kind: kindOf(call),
    call,
    afterMs: call.at - runFrom,
    times: 1,
    ids: [call.id],
    lastAt: call.at,
    totals: totalsOf(call),
    delivery: left?.outcome ?? undefined,
    decisions: besides.filter(({ about }) => about !== 'delivery'),
  }
}

/** What an agent does again and again is what somebody looks for, and is one line of it. */
function isSame(a: Step, b: Step): boolean {
  const [x, y] = [a.call, b.call]
  return (
    a.kind === b.kind &&
    x.method === y.method &&
    x.upstream === y.upstream &&
    x.item === y.item &&
    x.version === y.version &&
    x.fault?.kind === y.fault?.kind &&
    x.why === y.why &&
    a.delivery === b.delivery &&
    b.decisions.length === 0 &&
    JSON.stringify(x.arguments) === JSON.stringify(y.arguments)
  )
}

function together(a: Step, b: Step): Step {
  return {
    ...a,
    times: a.times + 1,
    ids: a.ids.length < mostIds ? [...a.ids, ...b.ids] : a.ids,
    lastAt: b.lastAt,
    totals: sum([a.totals, b.totals]),
  }
}

export function kindOf({ outcome, fault, found, suspect, decision, about }: AuditRow): StepKind {
  if (about === 'refused') return 'refused'
  if (fault !== null) {
    if (decision === 'denied') return 'denied'
    return limitKinds.has(fault.kind) ? 'limited' : 'failed'
  }
  if (suspect !== null) return found === 'empty' ? 'empty' : 'suspect'
  if (outcome === 'tool_error') return 'error'
  if (outcome === 'input_required') return 'input'
  return outcome === 'task' ? 'task' : 'ok'
}

function totalsOf(call: AuditRow): Totals {
  const kind = kindOf(call)
  const failed = kind === 'failed' || kind === 'denied' || kind === 'limited'
  return {
    calls: 1,
    good: kind === 'ok' || kind === 'task' || kind === 'input' ? 1 : 0,
    suspect: kind === 'suspect' || kind === 'empty' ? 1 : 0,
    errors: kind === 'error' ? 1 : 0,
    faults: failed ? 1 : 0,
    denied: kind === 'denied' ? 1 : 0,
    limited: kind === 'limited' ? 1 : 0,
    again: Math.max(0, call.attempts - 1),
    tokens: (call.usage?.sent ?? 0) + (call.usage?.got ?? 0),
    costNano: billionthsOf(call.usage?.cost ?? 0),
    ms: call.ms ?? 0,
  }
}

const nothing: Totals = {
  calls: 0,
  good: 0,
  suspect: 0,
  errors: 0,
  faults: 0,
  denied: 0,
  limited: 0,
  again: 0,
  tokens: 0,
  costNano: 0,
  ms: 0,
}

function sum(all: readonly Totals[]): Totals {
  const out: { -readonly [K in keyof Totals]: number } = { ...nothing }
  for (const one of all) for (const key of Object.keys(nothing) as (keyof Totals)[]) out[key] += one[key]
  return out
}

function endOf(calls: readonly AuditRow[]): number {
  return calls.reduce((latest, { at, ms }) => Math.max(latest, at + (ms ?? 0)), 0)
}

function distinct<T>(calls: readonly AuditRow[], of: (call: AuditRow) => T): T[] {
  const seen = new Map<string, T>()
  for (const call of calls) {
    const value = of(call)
    seen.set(JSON.stringify(value), value)
  }
  return [...seen.values()]
}
