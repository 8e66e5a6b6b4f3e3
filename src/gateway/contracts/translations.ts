// Translations of calls between two contracts of one tool: those that somebody put into force, an operator or the lock file, and those that
// need nobody.
import type { BrokenContract, CallAdapter, Digests, Judgement } from '../../core/call/contract.ts'
import { breaks } from '../../core/call/contract.ts'
import type { Payload } from '../../core/call/payload.ts'
import type { Validate } from '../../core/call/violation.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { locate } from '../../core/protocol/locate.ts'
import { vendorPrefix } from '../../core/protocol/names.ts'
import { asBuffer } from '../../core/protocol/scan.ts'
import { type Adapter, adapted, callAdapter, readAdapter } from './adapters.ts'
import { isUnread } from './admission.ts'
import { type ContractText, contractOf, unread } from './contract-text.ts'
import { declaredBy, declaresAll } from './undeclared.ts'

/** Makes of an input schema what judges arguments by it; compiled at the first. */
export type CompileSchema = (schema: unknown) => { readonly validate: Validate }

/** One that somebody put into force. */
export interface GivenTranslation {
  /** `c1:…` of the contract that callers know. */
  readonly from: string
  /** `c1:… h1:…` of the one that is taken: what else it does is a reason to look again. */
  readonly to: string
  readonly adapter: Adapter
  /** False: what comes out is held against the new schema at every call. */
  readonly proved: boolean
  /** The operator's name. */
  readonly by: string
  readonly reason: string | undefined
  readonly atMs: number
  /** It stands in the lock file, and is kept nowhere else. */
  readonly locked?: true
}

/** What calls are translated by. */
export interface Way {
  readonly adapter: Adapter
  readonly proved: boolean
}

const most = 16

/** Of one tool, the latest first. */
export class Translations {
  private given: readonly GivenTranslation[] = []

  get kept(): readonly GivenTranslation[] {
    return this.given.filter(({ locked }) => locked !== true)
  }

  put(one: GivenTranslation): void {
    this.given = [one, ...this.given.filter(({ from, to }) => from !== one.from || to !== one.to)].slice(0, most)
  }

  /** Nothing leads to this contract any more. */
  remove(to: Digests): void {
    this.given = this.given.filter((one) => one.to !== targetOf(to))
  }

  restore(kept: readonly GivenTranslation[]): void {
    this.given = kept.slice(0, most)
  }

  givenFor({ old, new: now }: Pick<Judgement, 'old' | 'new'>): GivenTranslation | undefined {
    return this.given.find(({ from, to }) => from === old.contract && to === targetOf(now))
  }

  /** Between the two contracts that were judged; what is given goes before what needs nobody. */
  inForce(judgement: Pick<Judgement, 'old' | 'new' | 'adapter'>): Way | undefined {
    const given = this.givenFor(judgement)
    if (given !== undefined) return given
    const { adapter } = judgement
    const read = adapter?.automatic === true ? readAdapter(adapter.adapter) : undefined
    return read === undefined ? undefined : { adapter: read, proved: true }
  }
}

export function targetOf({ contract, hints }: { readonly contract: string; readonly hints: string }): string {
  return `${contract} ${hints}`
}

/** For the path of calls. `now`: the contract that is led to. */
export function callsBy(way: Way, known: ContractText, now: ContractText, compile: CompileSchema): CallAdapter {
  const calls = callAdapter(way.adapter)
  if (way.proved) return calls
  return { ...calls, fits: fitting(way.adapter, now, compile), result: judgedResult(calls.result, known, compile) }
}

/** Of a translation that is not proved: accepted by the new schema, and every name of it declared there. */
function fitting({ input }: Adapter, now: ContractText, compile: CompileSchema): NonNullable<CallAdapter['fits']> {
  let judged: ((args: Readonly<Record<string, unknown>>) => boolean) | undefined
  return (args) => {
    judged ??= taker(contractOf(now.sent).inputSchema, compile)
    return judged(adapted(input, args))
  }
}

const mostViolations = 5

/** Of a translation that is not proved: a result that is not what callers were promised says so. `known`: the contract that they have read. */
function judgedResult(made: CallAdapter['result'], known: ContractText, compile: CompileSchema): CallAdapter['result'] {
  const { outputSchema } = contractOf(known.sent)
  if (!isObject(outputSchema)) return made
  let validate: Validate | undefined
  return (sent) => {
    const result = made === undefined ? sent : made(sent)
    const structured = locate(result.bytes, ['structuredContent'])
    if (structured === undefined) return result
    validate ??= compile(outputSchema).validate
    const violations = validate(JSON.parse(asBuffer(structured).toString('utf8'))).slice(0, mostViolations)
    if (violations.length === 0) return result
    const found = violations.map(({ path, expected, got }) => ({ kind: 'result_schema', rule: path, usual: expected, seen: got }))
    // The server's own schema may have been broken as well.
    const reasons = [...reasonsIn(result), ...found]
    return result.edit([{ path: suspect, value: JSON.stringify({ reasons }) }])
  }
}

const suspect = ['_meta', `${vendorPrefix}suspect`]

function reasonsIn({ bytes }: Payload): readonly unknown[] {
  const marked = locate(bytes, suspect)
  const value: unknown = marked === undefined ? undefined : JSON.parse(asBuffer(marked).toString('utf8'))
  return isObject(value) && Array.isArray(value.reasons) ? value.reasons : []
}

function taker(inputSchema: unknown, compile: CompileSchema): (args: Readonly<Record<string, unknown>>) => boolean {
  const schema = { ...(isObject(inputSchema) ? inputSchema : {}), type: 'object' }
  const { validate } = compile(schema)
  const declared = declaredBy(schema)
  return (args) => validate(args).length === 0 && declaresAll(declared, args)
}

/** Changes that are told of to a caller. */
const mostTold = 5

/** `approved`: what was judged against. */
export function brokenOf(approved: ContractText, judgement: Judgement, adapter: CallAdapter | undefined): BrokenContract {
  const { changes, example, human } = judgement
  const known = isUnread(judgement) ? (approved.digests ?? unread) : judgement.old
  const current = isUnread(judgement) ? undefined : judgement.new
  const breaking = changes.filter(({ verdict }) => breaks(verdict))
  return {
    known,
    current,
    human:
      (breaking.length > 0 ? breaking : changes)
        .map((change) => change.human)
        .slice(0, mostTold)
        .join('; ') || human,
    changes: breaking.slice(0, mostTold),
    ...(example === undefined ? {} : { example }),
    adapter,
  }
}
