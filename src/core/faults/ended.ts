// Why a call ended before its answer, other than by its deadline, which each place words for itself.
import type { EndReason } from '../call/exchange.ts'
import { fault } from './catalogue.ts'
import type { Fault, SideEffect } from './fault.ts'

/** `item`: what was called, for people. A credential that ended is no 401: its client would sign in and send again what may be done already. */
export function endedBy(reason: Exclude<EndReason, 'deadline'>, item: string, sideEffect: SideEffect = 'none'): Fault {
  switch (reason) {
    case 'drain':
      return fault('draining', {}, { sideEffect })
    case 'expired': {
      const effect = sideEffect === 'unknown' ? 'unknown' : 'known: it changed nothing'
      return fault('credential_expired', { item, effect }, { sideEffect, retryable: sideEffect === 'none' })
    }
    default:
      return fault('cancelled', { reason }, { sideEffect })
  }
}
