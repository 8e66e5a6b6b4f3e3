// What a call is answered with that has no credential, or one that may not do enough. A user who can mend it by signing in gets the link; what
// fills a catalogue is asked by nobody in particular, and operators see of it the reason alone: so that has the link, too.
import { fault } from '../../core/faults/catalogue.ts'
import { evidence } from '../../core/faults/evidence.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { CredentialFailure } from './failure.ts'

export interface SignInAgain {
  readonly upstream: string
  readonly forOperators: boolean
  /** A link at which the user signs in for these scopes; rejects where none can be made. */
  link(scopes: readonly string[]): Promise<string>
}

/** Where no link can be made. */
const withoutLink = 'the connect page of the gateway, once its store is back'

/** What a user has granted lacks scopes: the user alone can give them. `found`: as the exit has it. */
export async function lackingScopes(again: SignInAgain, scopes: readonly string[], found: Fault): Promise<Fault> {
  const { upstream, forOperators } = again
  const link = await again.link(scopes).catch(() => withoutLink)
  const lacks = `what the user has granted lacks the scope ${scopes.join(' ')}`
  const reason = forOperators ? `${lacks}; sign in at ${link}` : lacks
  return fault('reauth_required', { upstream, reason, link, scopes }, { evidence: found.evidence, said: found.said })
}

/** There is no credential, and its user can bring one. `scopes`: that the server wants beside those of the configuration. */
export async function signInNeeded(again: SignInAgain, scopes: readonly string[], { message }: CredentialFailure): Promise<Fault> {
  const { upstream, forOperators } = again
  const link = await again.link(scopes).catch(() => undefined)
  const reason = forOperators && link !== undefined ? `${message}; sign in at ${link}` : message
  return fault('reauth_required', { upstream, reason, link: link ?? withoutLink }, { evidence: evidence.no_credential })
}

/** There is no credential, and its caller can do nothing about it. */
export function noCredential(upstream: string, { message, kind }: CredentialFailure): Fault {
  const retryable = kind === 'unavailable'
  const remedy = retryable ? 'look, if it goes on' : 'mend it'
  return fault(
    'upstream_auth_failed',
    { upstream, failure: `${message} (hop ${upstream})`, remedy, hop: upstream },
    { retryable, evidence: evidence.no_credential },
  )
}
