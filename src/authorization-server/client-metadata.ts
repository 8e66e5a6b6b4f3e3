// Metadata of clients, brought into the form that lets them work: what real MCP clients send and a server by the letter of the specifications
// would hold against them later. And what no client may name.
import { isObject } from '../core/protocol/is-object.ts'
import { bareHost, isLoopback } from '../platform/net/loopback.ts'

export type Metadata = Readonly<Record<string, unknown>>

export type Checked = { readonly metadata: Metadata } | { readonly refused: string }

/** For registrations (RFC 7591 §2) and metadata documents alike. */
export function normalizeMetadata(sent: unknown): Checked {
  if (!isObject(sent)) return { refused: 'the metadata is not a JSON object' }
  const uris = sent.redirect_uris
  const redirects = Array.isArray(uris) ? uris.filter((uri): uri is string => typeof uri === 'string') : []
  const wrong = redirects.map(wrongRedirect).find((reason) => reason !== undefined)
  if (wrong !== undefined) return { refused: wrong }
  // A client registers with the scopes of its first challenge and would be held to them, so that it could never ask for more.
  const { scope: _, ...metadata } = sent as Record<string, unknown>
  return {
    metadata: {
      ...metadata,
      ...(metadata.grant_types === undefined ? { grant_types: ['authorization_code', 'refresh_token'] } : {}),
      // An app of a person's machine takes its answer at a port that it finds free then, or by a scheme of its own.
      ...(metadata.application_type === undefined && redirects.some(isOfAnApp) ? { application_type: 'native' } : {}),
    },
  }
}

const forbiddenSchemes: ReadonlySet<string> = new Set([
  'javascript:',
  'data:',
  'vbscript:',
  'file:',
  'blob:',
  'about:',
  'view-source:',
  'ws:',
  'wss:',
])

/** What is wrong with a redirect address; undefined where nothing is. */
function wrongRedirect(uri: string): string | undefined {
  if (!URL.canParse(uri)) return `the redirect address ${quoted(uri)} is no URL`
  const { protocol, hostname, username, password } = new URL(uri)
  if (forbiddenSchemes.has(protocol)) return `redirect addresses may not begin with ${protocol}`
  if (username !== '' || password !== '') return 'a redirect address may not have a user name or password'
  if (protocol === 'http:' && !isLoopback(bareHost(hostname)))
    return `http is for addresses of one’s own machine; ${quoted(uri)} has to be https`
  return undefined
}

function isOfAnApp(uri: string): boolean {
  const { protocol, hostname } = new URL(uri)
  return (protocol === 'http:' && isLoopback(bareHost(hostname))) || (protocol !== 'http:' && protocol !== 'https:')
}

function quoted(uri: string): string {
  return `"${uri.slice(0, 200)}"`
}
