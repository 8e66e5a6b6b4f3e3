// How a fault of the store travels through the code of a transaction: thrown by its statements, a value again where the transaction ends.
import type { StoreFault, StoreFaultKind } from '../../core/ports/durable.ts'

export class StoreError extends Error {
  readonly fault: StoreFault

  constructor(kind: StoreFaultKind, message: string) {
    super(message)
    this.fault = { kind, message }
  }
}
