// What is found of a contract and decided of it, as it is handed on and kept.
import type { Judgement } from '../../core/call/contract.ts'
import type { Decision } from './admission.ts'
import type { ContractText } from './contract-text.ts'
import type { Screening } from './screening/screening.ts'

/** Who stands for the contract that is shown, and why. */
export interface Approval {
  readonly as: 'admitted' | 'approved' | 'rejected'
  /** `firstUse`, `open`, `lock`, `drift`, or the operator's name. */
  readonly by: string
  readonly reason: string | undefined
  readonly atMs: number
}

/** What was found of one text of the server, against what is stood for. */
export interface Weighed {
  readonly live: ContractText
  /** Without what the lock file accepts. */
  readonly judgement: Judgement
  readonly screened: Screening | undefined
  readonly decision: Decision
  /** What the lock file accepts of it, in words. */
  readonly accepted: readonly string[]
  /** Of the rules of the lock file that held. */
  readonly rules: string
}

/** How the live contract differs from the approved one. */
export interface OpenChange extends Pick<Weighed, 'judgement' | 'screened' | 'accepted' | 'rules'> {
  /** What is shown is the live one, but for what is held back of it. */
  readonly adopted: boolean
  /** What stood before, and stands again where the rules of the lock file end that let this in. */
  readonly over?: ContractText | undefined
}
