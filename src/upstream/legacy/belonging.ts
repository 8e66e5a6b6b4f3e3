// Whose a connection to a server with `initialize` is, and what it may ask of the pool that made it.
import type { CredentialLease } from '../../core/ports/credentials.ts'
import type { Connection } from '../connection.ts'
import type { Interactivity } from './attribution.ts'
import type { Askable } from './declaration.ts'
import type { Greeted } from './session-check.ts'
import type { Again } from './url-required.ts'

/** Whose connection it is, and what the exit has learned of the server. */
export interface Belonging {
  /** False where `sharing: shared` lets several principals in. */
  readonly onePrincipal: boolean
  readonly lease: CredentialLease
  /** What the client can be asked that it is for; undefined where clients of all kinds may use it. */
  readonly askable: Askable | undefined
  readonly interactivity: Interactivity
  /** Sends a call once more, from the start. */
  readonly again: Again
  /** Asks the server anew for its era, not too often; true where it is another now. */
  readonly turned: (era: Connection['era']) => Promise<boolean>
  /** Whether the server itself is there now: it takes an `initialize`, and answers in the session that it begins. */
  readonly greets: () => Promise<Greeted>
}
