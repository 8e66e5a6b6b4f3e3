// Judging what a change of a tool's definition means for those who call it. Definitions are foreign, and proofs can be long: it happens
// beside the event loop, within a limit of steps and of time.
import type { Judgement, Reading, ToolContract } from '../call/contract.ts'
import type { TranslationAsked } from '../call/translation-asked.ts'

export interface JudgeOptions {
  /** Default `declared`. */
  readonly reading?: Reading
  /** Names of arguments that callers sent though the old schema does not declare them: a field added under one of them breaks. */
  readonly undeclared?: readonly string[]
  /** Where callers break: look for a translation of their calls, or judge one. */
  readonly propose?: boolean | TranslationAsked
}

export interface ContractJudge {
  /** Never rejects: where the time is over, or the judge fails, the verdict is `unknown`, with `spent` or `error`. */
  judge(old: ToolContract, now: ToolContract, options?: JudgeOptions): Promise<Judgement>
  /** Ends what it started. Judgements that are asked for later are `unknown`. */
  close(): Promise<void>
}
