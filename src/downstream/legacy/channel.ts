// Where the messages of a session go.
import type { Delivery } from '../../core/call/exchange.ts'
import type { Fault } from '../../core/faults/fault.ts'

/** Where the messages of one request go. */
export interface Channel {
  /** False where nothing but the answer can reach the client. */
  readonly streams: boolean
  /** Bytes of the largest message that its reader takes. */
  readonly largest: number
  /** A notification or a question on the way. `droppable`: may be left out where the client reads too slowly. */
  send(message: Uint8Array, droppable: boolean): void
  /** The answer; nothing follows. `fault`: what it says, where it is one. */
  answer(message: Uint8Array, fault?: Fault): Delivery
  /** There will be no answer: the client cancelled. */
  silence(): void
  /** A bug kept an answer from being written, whole or in part: nothing more can be said. */
  cut(): void
}

/** Where messages go that belong to no request. */
export interface CommonChannel {
  send(message: Uint8Array, droppable: boolean): void
}
