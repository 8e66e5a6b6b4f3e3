// The face of the exits: what the assembly makes and owns.
import type { Upstream } from '../core/ports/upstream.ts'
import type { UpstreamOptions } from './context.ts'
import { HttpPools } from './http/pools.ts'
import { ParkingLot } from './legacy/parked.ts'
import { PooledUpstream } from './pool/upstream.ts'
import { addressesOf } from './settings.ts'
import { type Dial, dial } from './wire/dial.ts'
import { RequestIds } from './wire/ids.ts'

export type { Outside, Unclaimed, UpstreamOptions } from './context.ts'
export { HttpPools } from './http/pools.ts'
export { ParkingLot } from './legacy/parked.ts'
export { ReplaceableUpstream } from './replaceable.ts'
export { type SandboxLack, sandboxLack } from './stdio/sandbox.ts'

/** Connections to HTTP upstreams, shared by all of them; the assembly closes them last. */
export function createPools(): HttpPools {
  return new HttpPools()
}

/** Nothing is started yet: the first `ready`, call or watch does. `wires` opens the wires in tests. */
export function createUpstream(options: UpstreamOptions, wires?: Dial): Upstream {
  const parking = options.parking ?? new ParkingLot(options.clock, options.random, options.limits.parked)
  const context = { ...options, parking, ids: new RequestIds(options.random.fraction()) }
  if (wires !== undefined) return new PooledUpstream(context, [{ address: '', dial: wires }])
  const addresses = addressesOf(options.settings)
  return new PooledUpstream(
    context,
    (addresses.length === 0 ? [''] : addresses).map((address) => ({ address, dial: dial(context, address) })),
  )
}
