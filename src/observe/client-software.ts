// Which SDK a client is made with, as far as it says so itself: nothing is concluded from what it does.
import { withoutSecrets } from '../core/secrets/without-secrets.ts'

export interface Software {
  /** `unknown` where nothing tells. */
  readonly name: string
  readonly version: string
}

const unknown: Software = { name: 'unknown', version: 'unknown' }
/** Names under which clients come that were given none by their program: those of their SDKs. `mcp`: of Python. */
const namesOfSdks: ReadonlySet<string> = new Set(['mcp'])
/** The first product of `User-Agent`, with its version (RFC 9110 §10.1.5). */
const firstProduct = /^([!#$%&'*+.^_`|~\w-]{1,64})(?:\/([!#$%&'*+.^_`|~\w-]{1,64}))?(?:[ (]|$)/

/**
 * By its own name where that is an SDK's, else by the first product of its `User-Agent`: `python-httpx2/2.16.2`, `Go-http-client/1.1`, `node`, what
 * its HTTP library says of itself. `text`: as it came.
 */
export function softwareOf(name: string, version: string, userAgent: string | undefined): Software {
  if (namesOfSdks.has(name)) return { name, version }
  const found = userAgent === undefined ? null : firstProduct.exec(userAgent.slice(0, 256))
  if (found === null) return unknown
  const [, product = 'unknown', stated = 'unknown'] = found
  return { name: withoutSecrets(product), version: withoutSecrets(stated) }
}
