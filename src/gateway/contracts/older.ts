// Contracts of a tool that were shown before the one of now, and what becomes of calls by them: who has read one and nothing since is served
// where that is proved, and else told that the tool changed.
import type { BrokenContract, CallAdapter, Judgement, OlderContract } from '../../core/call/contract.ts'
import type { Payload } from '../../core/call/payload.ts'
import type { Validate } from '../../core/call/violation.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { type ContractText, contractOf } from './contract-text.ts'
import { brokenOf, type CompileSchema, callsBy, type Way } from './translations.ts'
import { declaredBy, declaresAll } from './undeclared.ts'

export class Older implements OlderContract {
  since = Number.POSITIVE_INFINITY
  begins = 0
  broken: BrokenContract
  readonly text: ContractText
  /** Against the contract that was shown after it. */
  readonly judgement: Judgement
  /** The contract for which `broken.adapter` was looked for; undefined: it is to be looked for. */
  target: ContractText | undefined
  private readonly compile: CompileSchema
  private validator: Validate | undefined

  constructor(text: ContractText, judgement: Judgement, compile: CompileSchema) {
    this.text = text
    this.judgement = judgement
    this.broken = brokenOf(text, judgement, undefined)
    this.compile = compile
  }

  get definition(): Payload {
    return this.text.sent
  }

  get validate(): Validate {
    this.validator ??= this.compile({ ...inputOf(this.text), type: 'object' }).validate
    return this.validator
  }

  /** Calls by it are sent on as calls by `target`; without a way they are refused. */
  serve(target: ContractText, way: Way | undefined): void {
    this.target = target
    this.broken = { ...this.broken, adapter: way === undefined ? undefined : this.adapter(way, target) }
  }

  /** Until it is judged against what is shown now. */
  unserved(): void {
    if (this.target === undefined) return
    this.target = undefined
    this.broken = { ...this.broken, adapter: undefined }
  }

  /** What is proved is proved of declared arguments: under other names nobody knows what the contract of now takes them for. */
  private adapter(way: Way, target: ContractText): CallAdapter {
    const calls = callsBy(way, this.text, target, this.compile)
    let declared: { readonly names: ReturnType<typeof declaredBy> } | undefined
    return {
      ...calls,
      fits: (args) => {
        declared ??= { names: declaredBy(inputOf(this.text)) }
        return declaresAll(declared.names, args) && calls.fits?.(args) !== false
      },
    }
  }
}

function inputOf(text: ContractText): Readonly<Record<string, unknown>> {
  const { inputSchema } = contractOf(text.sent)
  return isObject(inputSchema) ? inputSchema : {}
}
