// TLS of the front door.
import { constants } from 'node:crypto'
import type { TlsOptions } from 'node:tls'
import type { TlsSettings } from '../settings.ts'

/** A client certificate that no authority vouches for is no reason to hang up: whoever reads it looks whether it was authorized. */
export function tlsOptions({ cert, key, clientCa }: TlsSettings): TlsOptions & { readonly secureOptions: number } {
  return {
    cert,
    key,
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['http/1.1'],
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    ...(clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: false }),
  }
}
