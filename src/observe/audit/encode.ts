// Rows of the audit as text. What callers, clients and items are comes again and again, so its text is made once.

import type { Principal } from '../../core/call/principal.ts'
import type { CallRecord, RecordedCaller, SettledCall } from '../../core/call/record.ts'
import type { Run } from '../../core/call/run.ts'
import type { Decision } from '../../core/ports/decisions.ts'
import { type About, longestText, rowFormat } from './row.ts'

/** What is taken out of the texts of others before they are kept. */
export interface Cleaning {
  /** Words of an agent. */
  text(text: string): string
  /** Texts with ids, digests and addresses in them. */
  recognised(text: string): string
}

/** What is kept of the arguments of a call, as JSON text. */
export type KeptArguments = (call: SettledCall) => string

export interface Encoder {
  call(call: SettledCall): string
  refused(record: CallRecord, about: About): string
  delivery(record: CallRecord, how: string, at: number): string
  decision(decision: Decision): string
  /** Of the audit itself. */
  own(about: About, at: number, rule: string, reason: string): string
}

export function createEncoder(cleaning: Cleaning, keptArguments: KeptArguments): Encoder {
  const clean = (text: string): string => cleaning.recognised(text)
  const target = targetTexts(clean)
  const free = (text: string | undefined): string => (text === undefined ? 'null' : json(clean(text)))
  const task = (run: Run | undefined): string => {
    if (run === undefined) return 'null'
    const { id, source, turn, team, why } = run
    return `[${json(id)},"${source}",${json(turn)},${json(team)},${why === undefined ? 'null' : json(cleaning.text(why))}]`
  }
  const head = (about: About, at: number, id: string): string => `[${rowFormat},"${about}",${at},${json(id)},`
  /** Members 4 to 8. */
  const who = (record: SettledCall): string =>
    `${callerText(record.caller.principal)},${clientText(record.caller, record.mount)},${task(record.run)},${json(record.trace?.traceId)},${target(record)},`

  return {
    call: (call) => {
      const { decided, fault, result, seen, usage, attempted, phases } = call
      const judged = decided === undefined ? 'null,""' : `${decided.allowed ? 1 : 0},${json(decided.rule)}`
      const failed =
        fault === undefined ? 'null' : `["${fault.kind}","${fault.category}","${fault.sideEffect}",${json(clean(fault.message))}]`
      const kept =
        result === undefined
          ? 'null'
          : `[${call.bytesOut},${seen?.rows ?? 'null'},${usage === undefined ? 'null' : usage.got},${shapeText(seen?.shape)}]`
      const used = usage === undefined ? 'null' : `[${usage.sent},${usage.got},${usage.cost}]`
      const tries = attempted.length > 1 ? JSON.stringify(attempted.map(attemptOf)) : 'null'
      const long = phases.length === 0 ? 'null' : phasesText(call)
      // Few pieces: each is one more to be joined where the row is written as bytes.
      const ended =
        call.lease === undefined && fault === undefined && call.outcome === 'complete' && call.termination === '--'
          ? asMost
          : `,${json(call.lease)},null,"${call.outcome}",${failed},"${call.termination}",`
      return (
        `[${rowFormat},"call",${call.atMs},${json(call.id)},${who(call)}${judged}${ended}${keptArguments(call)},${kept},${used},` +
        `${call.attempts},${tries},${tenth(call.settledMs)},${number(call.parkedMs)},${long},${remarks(call)}${call.bytesIn},${json(call.requestId)}]`
      )
    },
    refused: (record, about) => {
      const { fault } = record
      const failed =
        fault === undefined ? 'null' : `["${fault.kind}","${fault.category}","${fault.sideEffect}",${json(clean(fault.message))}]`
      return (
        `${head(about, record.atMs, record.id)}${who(record)}0,${json(fault?.kind)},null,${free(fault?.message)},"fault",${failed},` +
        `"${record.termination}",null,null,null,0,null,${tenth(record.settledMs)},null,null,null,null,null,null,null,${record.bytesIn},null]`
      )
    },
    delivery: (record, how, at) =>
      `${head('delivery', at, record.id)}${who(record)}null,"",null,"${how}",null,null,"${record.termination}",null,null,null,0,null,` +
      `${tenth(record.durationMs)},${nulls(9)}]`,
    decision: (decision) => {
      const { about, atMs, id, principal, credential, run, allowed, rule, reason } = decision
      const caller = principal?.credential === credential ? callerText(principal) : textOfCaller(principal, credential)
      return (
        `${head(about, atMs, id)}${caller},null,${task(run)},null,${target({ ...decision, itemKind: undefined, readOnly: undefined })},` +
        `${allowed ? 1 : 0},${json(rule)},null,${free(reason)},${nulls(18)}]`
      )
    },
    own: (about, at, rule, reason) =>
      `${head(about, at, '')}null,null,null,null,[null,null,null,null,null,null,null],null,${json(rule)},null,${JSON.stringify(reason)},${nulls(18)}]`,
  }
}

/** Of a call that went well. */
const asMost = ',null,null,"complete",null,"--",'
const noRemarks = 'null,null,null,null,null,'

/** Members 24 to 28. */
function remarks({ stream, found, suspect, masked, coerced }: SettledCall): string {
  if (stream === undefined && found === undefined && suspect === undefined && masked === undefined && coerced === undefined)
    return noRemarks
  const streamed =
    stream === undefined ? 'null' : `[${stream.events},${stream.bytes},${tenth(stream.firstMs)},${tenth(stream.longestGapMs)}]`
  const doubts = suspect === undefined ? 'null' : JSON.stringify(suspect)
  const masks = masked === undefined ? 'null' : JSON.stringify(masked)
  const made = coerced === undefined ? 'null' : JSON.stringify(coerced.slice(0, 16).map(cut))
  return `${streamed},${json(found)},${doubts},${masks},${made},`
}

function attemptOf({ number: n, from, to, fault, isError }: SettledCall['attempted'][number]): readonly unknown[] {
  return [n, Math.round((to - from) * 10) / 10, fault?.kind ?? null, fault?.evidence ?? null, isError ? 1 : 0]
}

function phasesText({ phases }: SettledCall): string {
  const long = phases.filter(({ from, to }) => to - from >= 1).map(({ name, from, to }) => `["${name}",${tenth(to - from)}]`)
  return long.length === 0 ? 'null' : `[${long.slice(0, 32).join(',')}]`
}

/** To a tenth of a millisecond. */
function tenth(ms: number): number {
  return Math.round(ms * 10) / 10
}

function number(value: number | undefined): string {
  return value === undefined ? 'null' : `${tenth(value)}`
}

function nulls(count: number): string {
  return Array.from({ length: count }, () => 'null').join(',')
}

/** What JSON writes as it is. */
const plain = /^[\w./: @#+=-]*$/

function json(text: string | undefined): string {
  if (text === undefined) return 'null'
  return text.length <= longestText && plain.test(text) ? `"${text}"` : JSON.stringify(cut(text))
}

function cut(text: string): string {
  return text.length > longestText ? `${text.slice(0, longestText)}…` : text
}

/** A principal is one object for as long as its credential is known. */
const callerTexts = new WeakMap<Principal, string>()

function callerText(principal: Principal | undefined): string {
  if (principal === undefined) return 'null'
  let text = callerTexts.get(principal)
  if (text === undefined) {
    text = textOfCaller(principal, principal.credential)
    callerTexts.set(principal, text)
  }
  return text
}

function textOfCaller(principal: Principal | undefined, credential: string): string {
  if (principal === undefined) return credential === '' ? 'null' : `[null,null,null,null,[],null,${json(credential)}]`
  const { tenant, iss, sub, clientId, actors, method } = principal
  const acting = JSON.stringify(actors.slice(0, 8).map(cut))
  return `[${json(tenant)},${json(iss)},${json(sub)},${json(clientId)},${acting},"${method}",${json(credential)}]`
}

/** Of a client that is the same object call after call, and of one that states itself anew each time. */
const clientTexts = new Map<string, string>()
const mostTexts = 1_024

/** Of the last call: calls of one client follow each other. */
let last: Client | undefined

interface Client {
  readonly name: string | undefined
  readonly version: string | undefined
  readonly transport: string
  readonly revision: string | undefined
  readonly mount: string
  readonly text: string
}

function clientText(caller: RecordedCaller, mount: string): string {
  const { client, arrival } = caller
  const { transport, revision } = arrival
  if (
    last !== undefined &&
    last.name === client?.name &&
    last.version === client?.version &&
    last.revision === revision &&
    last.transport === transport &&
    last.mount === mount
  ) {
    return last.text
  }
  const text = textOfClient(caller, mount)
  last = { name: client?.name, version: client?.version, transport, revision, mount, text }
  return text
}

function textOfClient({ client, arrival }: RecordedCaller, mount: string): string {
  const name = client?.name ?? ''
  const version = client?.version ?? ''
  const key = `${arrival.transport} ${arrival.revision} ${mount} ${version} ${name}`
  let text = clientTexts.get(key)
  if (text === undefined) {
    text = `[${json(client?.name)},${json(client?.version)},"${arrival.transport}",${json(arrival.revision)},${json(mount)}]`
    keep(clientTexts, key, text)
  }
  return text
}

/** Results of a tool have one shape, mostly. */
const shapeTexts = new Map<string, string>()

function shapeText(shape: string | undefined): string {
  if (shape === undefined) return 'null'
  let text = shapeTexts.get(shape)
  if (text === undefined) {
    text = json(shape)
    keep(shapeTexts, shape, text)
  }
  return text
}

interface Named {
  readonly method: string | undefined
  /** In place of the method, where a client asked by another. */
  readonly askedAs?: string | undefined
  readonly upstream: string | undefined
  readonly item: string | undefined
  readonly itemKind: string | undefined
  readonly version?: number | undefined
  readonly contract?: string | undefined
  readonly readOnly: boolean | undefined
}

/** A resource is named by its address, and that may have a password or a token in it. */
function targetTexts(clean: (text: string) => string): (named: Named) => string {
  const texts = new Map<string, { readonly named: Named; readonly text: string }>()
  return (named) => {
    const { upstream, item, itemKind, version, contract, readOnly } = named
    const method = named.askedAs ?? named.method
    const name = item ?? method ?? ''
    const known = texts.get(name)
    if (known !== undefined && isSame(known.named, named, method)) return known.text
    const changes = readOnly === undefined ? 'null' : readOnly ? '1' : '0'
    const shown = item?.includes('://') === true ? json(clean(item)) : json(item)
    const text = `[${json(method)},${json(upstream)},${shown},${json(itemKind)},${version ?? 'null'},${json(contract)},${changes}]`
    const kept = { method, upstream, item, itemKind, version, contract, readOnly }
    // Names come from outside: what is longer than a row keeps is not kept here either.
    if (name.length <= longestText) keep(texts, name, { named: kept, text })
    return text
  }
}

function isSame(a: Named, b: Named, method: string | undefined): boolean {
  return (
    a.method === method &&
    a.upstream === b.upstream &&
    a.item === b.item &&
    a.itemKind === b.itemKind &&
    a.contract === b.contract &&
    a.version === b.version &&
    a.readOnly === b.readOnly
  )
}

function keep<T>(map: Map<string, T>, key: string, value: T): void {
  if (map.size >= mostTexts) map.clear()
  map.set(key, value)
}
