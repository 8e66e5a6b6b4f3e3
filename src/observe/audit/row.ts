// Rows of the audit as text, a batch at a time, so that the bytes which are hashed are the bytes that are kept. The first line has what the
// rows say of callers, of what was decided and of runs, each once; a row names them by their places. A row that said all of it again would be four times as long
// to hash, to write and to keep.
import type { Principal } from '../../core/call/principal.ts'
import type { Run } from '../../core/call/run.ts'
import type { Decision } from '../../core/ports/decisions.ts'
import { withoutSecrets } from '../../core/secrets/without-secrets.ts'

/** What a reader of the audit sees. Times are ms since the epoch; what is not known is null. */
export interface AuditRow {
  readonly chain: string
  readonly seq: number
  readonly at: number
  readonly about: Decision['about'] | 'lost'
  readonly allowed: boolean
  /** Correlation id; '' of what no request caused. */
  readonly id: string
  readonly tenant: string | null
  readonly issuer: string | null
  readonly subject: string | null
  readonly client: string | null
  readonly actors: readonly string[]
  /** By which method of `auth.callers` it was let in. */
  readonly via: string | null
  readonly credential: string
  readonly method: string | null
  readonly upstream: string | null
  readonly item: string | null
  /** Of a tool with versions. */
  readonly version: number | null
  /** Digest of the contract of a tool, as its caller is shown it; null until it is read, and of rows from before it was kept. */
  readonly contract: string | null
  readonly rule: string
  /** Of a call: its run, and its turn where the client states one; else the trace id of its log line stands for it. */
  readonly run: string | null
  readonly turn: string | null
  readonly reason: string | null
}

/** Of the first line: `[first, at, [caller, …], [subject matter, …], [run, …]]`; number and time of the first row. */
type KeptHead = readonly [
  first: number,
  at: number,
  callers: readonly KeptCaller[],
  matters: readonly KeptMatter[],
  runs: readonly KeptRun[],
]
type KeptCaller = readonly [
  tenant: string | null,
  issuer: string | null,
  subject: string | null,
  client: string | null,
  actors: readonly string[],
  via: string | null,
  credential: string,
]
/** Of what has no version and no contract, and of older rows, the last two are left out. */
type KeptMatter = readonly [
  about: AuditRow['about'],
  allowed: 0 | 1,
  method: string | null,
  upstream: string | null,
  item: string | null,
  rule: string,
  version?: number | null,
  contract?: string | null,
]
/** Its id, with its turn where one was stated; null of what is no call. */
type KeptRun = null | string | readonly [id: string, turn: string]
/** `later`: ms after the first row. */
type KeptRow = readonly [later: number, id: string, caller: number, matter: number, run: number, reason?: string]

/** Longest text of a member in characters: names and reasons may come from outside. */
const longest = 512

/** `lost`: rows that could not be kept, since the store was away for longer than memory lasts; how many, told by a row at the end. */
export function encodeBatch(
  first: number,
  decisions: readonly Decision[],
  lost: { readonly count: number; readonly atMs: number },
): string {
  const callers = new Places()
  const matters = new Places()
  const runs = new Places()
  const startMs = decisions[0]?.atMs ?? lost.atMs
  let rows = ''
  for (const decision of decisions) {
    const { atMs, id, run, reason } = decision
    const caller = callers.of(callerText(decision))
    const matter = matters.of(matterText(decision))
    const task = runs.of(runText(run))
    const end = reason === undefined ? ']' : `,${member(withoutSecrets(reason))}]`
    rows += `\n[${atMs - startMs},${plain.test(id) ? `"${id}"` : member(id)},${caller},${matter},${task}${end}`
  }
  if (lost.count > 0) {
    const what = `${lost.count} rows were lost, since the store was away`
    const caller = callers.of(textOfCaller(undefined, ''))
    rows += `\n[${lost.atMs - startMs},"",${caller},${matters.of('["lost",0,null,null,null,"store"]')},${runs.of('null')},${member(what)}]`
  }
  return `[${first},${startMs},${callers.text()},${matters.text()},${runs.text()}]${rows}`
}

/** What JSON writes as it is: nearly all ids. */
const plain = /^[\w-]{1,128}$/

/** The rows of a batch in order; undefined in the place of what is none. */
export function decodeBatch(chain: string, text: string): readonly (AuditRow | undefined)[] {
  const [head = '', ...lines] = text.split('\n')
  const [first, at, callers, matters, runs] = (arrayOf(head, 5, 5) ?? []) as Partial<KeptHead>
  if (typeof first !== 'number' || typeof at !== 'number' || !Array.isArray(callers) || !Array.isArray(matters) || !Array.isArray(runs)) {
    return lines.map(() => undefined)
  }
  return lines.map((line, n) => {
    const row = arrayOf(line, 5, 6) as KeptRow | undefined
    if (row === undefined) return undefined
    const [later, id, callerPlace, matterPlace, runPlace, reason = null] = row
    const caller = callers[callerPlace] as KeptCaller | undefined
    const named = matters[matterPlace] as KeptMatter | undefined
    const task = runs[runPlace] as KeptRun | undefined
    if (caller?.length !== 7 || (named?.length !== 6 && named?.length !== 8) || task === undefined) return undefined
    const [tenant, issuer, subject, client, actors, via, credential] = caller
    const [about, allowed, method, upstream, item, rule, version = null, contract = null] = named
    const [run = null, turn = null] = typeof task === 'string' ? [task] : (task ?? [])
    return {
      chain,
      seq: first + n,
      at: at + later,
      about,
      allowed: allowed === 1,
      id,
      tenant,
      issuer,
      subject,
      client,
      actors,
      via,
      credential,
      method,
      upstream,
      item,
      version,
      contract,
      rule,
      run,
      turn,
      reason,
    }
  })
}

/** Texts of one kind in the order in which rows named them first. */
class Places {
  private readonly places = new Map<string, number>()
  private last: string | undefined
  private lastPlace = 0

  of(text: string): number {
    if (text !== this.last) {
      this.last = text
      this.lastPlace = this.placeOf(text)
    }
    return this.lastPlace
  }

  private placeOf(text: string): number {
    let place = this.places.get(text)
    if (place === undefined) {
      place = this.places.size
      this.places.set(text, place)
    }
    return place
  }

  text(): string {
    return `[${[...this.places.keys()].join(',')}]`
  }
}

/** A principal is one object for as long as its credential is known, so its text is made once. */
const callerTexts = new WeakMap<Principal, string>()

function callerText({ principal, credential }: Decision): string {
  if (principal === undefined || principal.credential !== credential) return textOfCaller(principal, credential)
  let text = callerTexts.get(principal)
  if (text === undefined) {
    text = textOfCaller(principal, credential)
    callerTexts.set(principal, text)
  }
  return text
}

function textOfCaller(principal: Principal | undefined, credential: string): string {
  if (principal === undefined) return JSON.stringify([null, null, null, null, [], null, cut(credential)])
  const { tenant, iss, sub, clientId, actors, method } = principal
  return JSON.stringify([cut(tenant), cut(iss), cut(sub), cut(clientId), actors, method, cut(credential)])
}

function runText(run: Run | undefined): string {
  if (run === undefined) return 'null'
  const { id, turn } = run
  return turn === undefined ? member(id) : `[${member(id)},${member(turn)}]`
}

/** By the name of the item: the same ones come again and again. */
const matterTexts = new Map<string, MatterText>()
const mostMatterTexts = 1_024
interface MatterText extends Pick<Decision, 'about' | 'allowed' | 'method' | 'upstream' | 'version' | 'contract' | 'rule'> {
  readonly text: string
}

function matterText(decision: Decision): string {
  const { about, allowed, method, upstream, item, version, contract, rule } = decision
  const name = item ?? ''
  const found = matterTexts.get(name)
  if (found !== undefined && isSameMatter(found, decision)) return found.text
  const more = version === undefined && contract === undefined ? [] : [version ?? null, cut(contract)]
  const text = JSON.stringify([about, allowed ? 1 : 0, cut(method), cut(upstream), cut(itemText(item)), cut(rule), ...more])
  // Names come from outside: what is longer than a row keeps is not kept here either.
  if (item === undefined || name.length > longest) return text
  if (matterTexts.size >= mostMatterTexts) matterTexts.clear()
  matterTexts.set(name, { about, allowed, method, upstream, version, contract, rule, text })
  return text
}

/** A resource is named by its address, and that may have a password or a token in it. */
function itemText(item: string | undefined): string | undefined {
  return item?.includes('://') ? withoutSecrets(item) : item
}

function isSameMatter(a: MatterText, b: Decision): boolean {
  return (
    a.rule === b.rule &&
    a.upstream === b.upstream &&
    a.method === b.method &&
    a.about === b.about &&
    a.allowed === b.allowed &&
    a.contract === b.contract &&
    a.version === b.version
  )
}

function member(text: string | undefined): string {
  return text === undefined ? 'null' : JSON.stringify(cut(text))
}

/** Undefined where it is no JSON array of such a length. */
function arrayOf(text: string, least: number, most: number): readonly unknown[] | undefined {
  try {
    const read: unknown = JSON.parse(text)
    return Array.isArray(read) && read.length >= least && read.length <= most ? read : undefined
  } catch {
    return undefined
  }
}

/** A NUL cannot be kept as text, nor half a character. */
function cut(text: string | undefined): string | null {
  if (text === undefined) return null
  return text.length > longest ? `${text.slice(0, longest)}…` : text
}
