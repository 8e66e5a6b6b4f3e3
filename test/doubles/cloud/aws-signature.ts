// Whether a request is signed as AWS documents it (Signature Version 4, "Create a signed AWS API request"), computed anew from what arrived.
import { createHash, createHmac } from 'node:crypto'

export interface SignedRequest {
  readonly method: string
  /** As on the request line. */
  readonly target: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Uint8Array
}

/** Names what is wrong; undefined where nothing is. */
export function wrongWith(request: SignedRequest, key: { readonly id: string; readonly secret: string }): string | undefined {
  const authorization = String(request.headers.authorization)
  const found =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
      authorization,
    )
  if (found === null) return `no authorization of this form: ${authorization}`
  const [, id, date = '', region = '', service = '', names = '', signature] = found
  if (id !== key.id) return `another key: ${id}`
  const time = String(request.headers['x-amz-date'])
  if (!time.startsWith(date)) return 'another day'
  const list = names.split(';')
  const unsigned = Object.keys(request.headers).filter((name) => (name === 'host' || name.startsWith('x-amz-')) && !list.includes(name))
  if (unsigned.length > 0) return `not signed: ${unsigned.join(' ')}`
  if (list.join() !== [...list].sort().join()) return 'headers are not in order'
  const payload = sha256(request.body)
  const stated = request.headers['x-amz-content-sha256']
  if (stated !== undefined && stated !== payload) return 'another body'
  const [path = '/', query = ''] = request.target.split('?')
  const canonical = [
    request.method,
    path
      .split('/')
      .map((segment) => escaped(segment))
      .join('/'),
    query
      .split('&')
      .filter(Boolean)
      .map((pair) => pair.split('='))
      .map(([name = '', value = '']) => `${escaped(decodeURIComponent(name))}=${escaped(decodeURIComponent(value))}`)
      .sort()
      .join('&'),
    ...list.map((name) => `${name}:${String(request.headers[name]).trim().replace(/ +/g, ' ')}`),
    '',
    names,
    payload,
  ].join('\n')
  const scope = `${date}/${region}/${service}/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n')
  const signing = [date, region, service, 'aws4_request'].reduce<string | Buffer>((by, part) => hmac(by, part), `AWS4${key.secret}`)
  return hmac(signing, toSign).toString('hex') === signature ? undefined : 'another signature'
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

function hmac(key: string | Buffer, data: string): Buffer {
  return createHmac('sha256', key).update(data).digest()
}

/** All but unreserved characters (RFC 3986 §2.3). */
function escaped(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
}
