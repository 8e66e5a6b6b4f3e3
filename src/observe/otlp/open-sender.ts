// The sender of a protocol.
import type { Clock } from '../../core/ports/clock.ts'
import type { Proxies } from '../../platform/net/proxies.ts'
import { createHttpSender } from './http-sender.ts'
import type { OtlpSender } from './sender.ts'
import type { OtlpTarget } from './target.ts'

/** gRPC is loaded where it is used. */
export async function openSender(target: OtlpTarget, clock: Clock, proxies: Pick<Proxies, 'find'> | undefined): Promise<OtlpSender> {
  if (target.protocol !== 'grpc') return createHttpSender(target, clock, proxies)
  const { createGrpcSender } = await import('./grpc-sender.ts')
  return createGrpcSender(target, clock)
}
