// AWS Signature Version 4: each request is signed with the key that the credentials hold, by the signer of AWS itself. Signing asks nobody: it
// is done within the turn, though the signer answers later.
import { createHash, createHmac } from 'node:crypto'
import type { Clock } from '../../core/ports/clock.ts'
import type { RequestProof } from '../../core/ports/credentials.ts'

export type SignerLibrary = Pick<typeof import('@smithy/signature-v4'), 'SignatureV4'>

export interface AwsKey {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

export interface AwsScope {
  readonly region: string
  readonly service: string
}

/** Headers that the signer makes: no configured one stands beside them. */
const ownHeaders = new Set(['authorization', 'x-amz-date', 'x-amz-security-token', 'x-amz-content-sha256'])

/** `fixed`: headers that are sent beside the signature, in lower case. AWS wants those of its own (`x-amz-…`) signed. */
export function signing(
  { SignatureV4 }: SignerLibrary,
  key: AwsKey,
  { region, service }: AwsScope,
  fixed: Readonly<Record<string, string>>,
  clock: Clock,
): RequestProof {
  const { accessKeyId, secretAccessKey, sessionToken } = key
  const credentials = { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) }
  // S3 alone takes paths as they are.
  const signer = new SignatureV4({ credentials, region, service, sha256: Sha256, uriEscapePath: service !== 's3' })
  const signed = Object.fromEntries(Object.entries(fixed).filter(([name]) => name.startsWith('x-amz-')))
  return {
    headers: async (method, address, body) => {
      const { protocol, hostname, host, port, pathname, search } = new URL(address)
      const request = {
        method,
        protocol,
        hostname,
        ...(port === '' ? {} : { port: Number(port) }),
        path: pathname,
        query: queryOf(search),
        headers: { host, ...signed },
        body,
      }
      const { headers } = await signer.sign(request, { signingDate: new Date(clock.now()) })
      return Object.fromEntries(Object.entries(headers).filter(([name]) => ownHeaders.has(name)))
    },
    nonce: () => false,
  }
}

/** What may stand beside a signature. */
export function besideSignature(fixed: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(fixed).filter(([name]) => !ownHeaders.has(name)))
}

/** Values as they were before they were escaped: `+` is no space here, as AWS reads it. */
function queryOf(search: string): Record<string, string[]> {
  const query: Record<string, string[]> = {}
  for (const pair of search.slice(1).split('&').filter(Boolean)) {
    const at = pair.indexOf('=')
    const name = unescaped(at < 0 ? pair : pair.slice(0, at))
    query[name] = [...(query[name] ?? []), at < 0 ? '' : unescaped(pair.slice(at + 1))]
  }
  return query
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** The digest that the signer asks for: that of Node.js. */
class Sha256 {
  private readonly secret: string | Uint8Array | undefined
  private hash: ReturnType<typeof createHash | typeof createHmac>

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.secret = secret === undefined || typeof secret === 'string' ? secret : bytesOf(secret)
    this.hash = this.fresh()
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.hash.update(typeof data === 'string' ? data : bytesOf(data))
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.hash.digest())
  }

  reset(): void {
    this.hash = this.fresh()
  }

  private fresh(): ReturnType<typeof createHash | typeof createHmac> {
    return this.secret === undefined ? createHash('sha256') : createHmac('sha256', this.secret)
  }
}

function bytesOf(data: ArrayBuffer | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data)
}
