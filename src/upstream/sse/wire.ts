// Signatures first; the body follows.
import type { Fault } from '../../core/faults/fault.ts'
import type { HttpWireOptions } from '../http/wire.ts'
import type { Wire } from '../wire.ts'

export interface SseWireOptions extends Omit<HttpWireOptions, 'resume' | 'random'> {
  /** Headers of the GET stream (credential and configured ones). */
  readonly headers: () => Readonly<Record<string, string>>
  /** Longest wait for the `endpoint` event, in ms. */
  readonly startTimeoutMs: number
}

export interface SseWire extends Wire {
  readonly transport: 'sse'
}

/** Resolves to a wire once the `endpoint` event has come, else to a fault. Tell them apart by `'transport' in opened`. */
export function openSseWire(_options: SseWireOptions): Promise<SseWire | Fault> {
  throw new Error('under construction')
}
