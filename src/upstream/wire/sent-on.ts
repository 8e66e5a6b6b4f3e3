// What the record of a call says of the connection that it went out on. Made once a connection.
import type { SentOn } from '../../core/call/record.ts'
import type { Wire } from './wire.ts'

export function sentOn({ transport, peer }: Wire, revision: string): SentOn {
  return { transport, revision, address: peer?.address, port: peer?.port }
}

/** Of an address that is a good one. */
export function peerOf(url: URL): NonNullable<Wire['peer']> {
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port)
  return { address: url.hostname, port }
}
