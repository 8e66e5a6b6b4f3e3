// What oidc-provider keeps, kept in the durable store: the storage interface that it asks for, one object for each of its models.

import type { RegisteredClients } from './clients.ts'
import type { Library } from './library.ts'
import { type AuthorizationObjects, type Payload, StoreUnavailable } from './objects.ts'

export interface AdapterParts {
  readonly library: Library
  readonly objects: AuthorizationObjects
  readonly clients: RegisteredClients
  /** A refresh token or code was used twice at the same moment. */
  reused(model: string, grantId: string | undefined): void
}

/** What has no expiry of its own is kept as long as the longest that has one, in seconds. */
const longestSeconds = 60 * 24 * 3_600

export function createAdapter(parts: AdapterParts): (model: string) => object {
  return (model) => (model === 'Client' ? clientAdapter(parts) : objectAdapter(model, parts))
}

function objectAdapter(model: string, { library, objects, reused }: AdapterParts): object {
  const during = guarding(library)
  return {
    upsert: (id: string, payload: Payload, seconds?: number) =>
      during(() =>
        objects.put(model, id, payload, { grantId: text(payload.grantId), uid: text(payload.uid) }, (seconds ?? longestSeconds) * 1000),
      ),
    find: (id: string) => during(() => objects.find(model, id)),
    findByUid: (uid: string) => during(() => objects.findByUid(model, uid)),
    findByUserCode: () => Promise.resolve(undefined),
    consume: (id: string) =>
      during(async () => {
        if (await objects.consume(model, id)) return
        // Two requests read it unused, and only one of them used it up.
        reused(model, undefined)
        throw new library.errors.InvalidGrant(`${model} was used twice`)
      }),
    destroy: (id: string) => during(() => objects.remove(model, id)),
    revokeByGrantId: (grantId: string) => during(() => objects.removeOfGrant(grantId)),
  }
}

function clientAdapter({ library, clients }: AdapterParts): object {
  const during = guarding(library)
  return {
    upsert: (id: string, payload: Payload) =>
      during(async () => {
        if (!(await clients.put(id, payload))) throw new library.errors.TemporarilyUnavailable('no more clients can be registered')
      }),
    find: (id: string) => during(() => clients.find(id)),
    destroy: (id: string) => during(() => clients.remove(id)),
  }
}

/** A store that is away is no bug of the library: clients are told to come back. */
function guarding(library: Library) {
  return async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error
      throw new library.errors.TemporarilyUnavailable('the store of the authorization server is away')
    }
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
