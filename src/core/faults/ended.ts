// Why a call ended before its answer, other than by its deadline, which each place words for itself.
import type { EndReason } from '../call/exchange.ts'
import { fault } from './catalogue.ts'
import type { Evidence } from './evidence.ts'
import type { Fault, SideEffect } from './fault.ts'

/** `item`: what was called, for people. A credential that ended is no 401: its client would sign in and send again what may be done already. */
export function endedBy(reason: Exclude<EndReason, 'deadline'>, item: string, sideEffect: SideEffect = 'none', evidence?: Evidence): Fault {
  const none = evidence === undefined ? sideEffect === 'none' : evidence.execution !== 'unknown'
  const change = { sideEffect, evidence, retryable: none }
  switch (reason) {
    case 'drain':
      return fault('draining', {}, change)
    case 'expired':
      return fault('credential_expired', { item }, change)
    default:
      return fault('cancelled', { reason }, { sideEffect, evidence })
  }
}
