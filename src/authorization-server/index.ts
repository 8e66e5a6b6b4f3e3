// The gateway's own authorization server (OAuth 2.1): its addresses on the front door, and what the rest of the gateway has of it. The library
// behind it is loaded with the first request that needs it.
import type { Clock, Random, Timer } from '../core/ports/clock.ts'
import type { Durable } from '../core/ports/durable.ts'
import { createAccounts } from './accounts.ts'
import { createClients } from './clients.ts'
import { createFront } from './front.ts'
import { createObjects } from './objects.ts'
import type { AuthorizationServer, AuthorizationServerParts } from './parts.ts'
import { createRunning } from './running.ts'

export { authorizationDomain } from './domain.ts'
export { type ConsentFilter, createOversight, type Ended, type ListedClient, type ListedConsent, type Oversight } from './oversight.ts'
export type { AuthorizationServer } from './parts.ts'

/** Clients that registered by themselves, at most. */
const mostClients = 5_000

/** How often what is over is removed, in ms. */
const sweepMs = 10 * 60_000

export function createAuthorizationServer(parts: AuthorizationServerParts): AuthorizationServer {
  const { settings, address, durable, vault, keys, clock, random, report } = parts
  const objects = createObjects(durable, vault, clock)
  const clients = createClients(durable, vault, clock, mostClients)
  const accounts = createAccounts(durable, clock, random)
  const running = createRunning({ ...parts, objects, clients, accounts })
  const front = createFront({ ...parts, accounts, running })

  let timer: Timer
  const sweep = (): void => {
    Promise.all([objects.sweep(), clients.sweep()]).catch((error: unknown) =>
      report.log('warn', 'The authorization server could not tidy its store', { error: String(error) }),
    )
    timer = clock.timer(sweepMs, sweep)
  }
  timer = clock.timer(sweepMs, sweep)

  return {
    pages: front,
    issuer: { issuer: () => address.url, keySet: async () => ({ keys: await keys.published('authorization-server') }) },
    setupLink: async () => {
      if (settings.login.oidc !== undefined) return undefined
      const secret = await accounts.firstLink()
      return secret === undefined ? undefined : linkTo(address.url, secret)
    },
    close: () => timer.cancel(),
  }
}

/** A link for one more operator, or for another password of one: for whoever has the store of a gateway and its vault. */
export async function operatorLink(durable: Durable, clock: Clock, random: Random, publicUrl: string): Promise<string> {
  return linkTo(publicUrl, await createAccounts(durable, clock, random).operatorLink())
}

function linkTo(publicUrl: string, secret: string): string {
  return `${publicUrl.replace(/\/+$/, '')}/oauth/setup/${secret}`
}
