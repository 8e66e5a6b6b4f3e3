// The credential of a request as it stands in `Authorization` (RFC 6750 §2.1, RFC 9449 §7.1), and nowhere else.
import type { Presented } from '../../core/ports/gateway.ts'

export interface PresentedToken {
  readonly scheme: 'bearer' | 'dpop'
  readonly token: string
}

/** `malformed` is a request that is wrong by itself; `useless` has what is no credential here. Both reasons complete "the request …". */
export type Shown = PresentedToken | { readonly malformed: string } | { readonly useless: string } | undefined

/** Longer ones are not looked into, in characters. */
const longestToken = 8_192

const bearer = 'Bearer '

export function shownBy(presented: Presented): Shown {
  if (presented.query !== undefined && /(^|&)(access_token|id_token|token)=/i.test(presented.query)) {
    return { malformed: 'has a credential in its address, where logs and histories keep it' }
  }
  const lines = presented.headers.get('authorization')
  if (lines === undefined) return undefined
  const [line = '', ...others] = lines
  if (others.length > 0) return { malformed: 'has more than one Authorization header' }
  const plain = plainBearer(line)
  if (plain !== undefined) return plain
  const found = /^([A-Za-z0-9!#$%&'*+.^_`|~-]+) +(\S+)$/.exec(line.trim())
  if (found === null)
    return line.trim() === '' || /^(bearer|dpop)$/i.test(line.trim())
      ? undefined
      : { useless: 'has an Authorization header that cannot be read' }
  const [, scheme = '', token = ''] = found
  const lower = scheme.toLowerCase()
  if (lower !== 'bearer' && lower !== 'dpop') return { useless: 'has an Authorization header of another scheme than Bearer' }
  if (token.length > longestToken) return { useless: `has a token of more than ${longestToken} characters` }
  return { scheme: lower, token }
}

/** The form that nearly all clients send, told without a walk over each character; undefined for any other, good or bad. */
function plainBearer(line: string): PresentedToken | undefined {
  if (!line.startsWith(bearer) || line.length > longestToken) return undefined
  const token = line.slice(bearer.length)
  // What is white space to a pattern and may stand in a header's value.
  if (token === '' || token.includes(' ') || token.includes('\t') || token.includes('\u00a0')) return undefined
  return { scheme: 'bearer', token }
}
