// What an entry of a client file asks of its client and not of a gateway: each such member is named, with what to do in its stead.
import { isObject } from '../../core/protocol/is-object.ts'
import { nearest } from '../../core/text/nearest.ts'
import type { Path } from './problem.ts'

export interface Remark {
  readonly path: Path
  readonly what: string
  readonly mend: string
  readonly part: 'key' | 'value'
}

/** A remark on every member that says something and is neither `known` nor mere decoration. */
export function lostMembers(raw: Readonly<Record<string, unknown>>, path: Path, known: ReadonlySet<string>): Remark[] {
  const lost: Remark[] = []
  for (const [key, value] of Object.entries(raw)) {
    if (known.has(key) || silent.has(key) || asksForNothing(value)) continue
    const near = nearest(key, known)[0]
    const mend = notHonoured[key] ?? (near === undefined ? 'remove it, or ignore this' : `did you mean ${near}?`)
    lost.push({ path: [...path, key], what: 'is not honoured', mend, part: 'key' })
  }
  return lost
}

const approval = 'approval is the business of your client'
const selection = 'make a toolset of what is wanted, in a signalbox.yaml'
const time = 'set `timeouts` of the server in a signalbox.yaml'
const login = 'the gateway does not log in to servers yet; give a token in `headers`'

/** Keys of clients that mean nothing to a gateway, with what to do in its stead. */
const notHonoured: Readonly<Record<string, string>> = {
  alwaysAllow: approval,
  autoApprove: approval,
  trust: approval,
  default_tools_approval_mode: approval,
  tools: selection,
  includeTools: selection,
  excludeTools: selection,
  allowedTools: selection,
  enabledTools: selection,
  disabledTools: selection,
  enabled_tools: selection,
  disabled_tools: selection,
  available_tools: selection,
  timeout: time,
  initTimeout: time,
  connectionTimeout: time,
  networkTimeout: time,
  startup_timeout_sec: time,
  startup_timeout_ms: time,
  tool_timeout_sec: time,
  oauth: login,
  auth: login,
  authProviderType: login,
  apiKey: login,
  bearer_token: 'name its variable in `bearer_token_env_var`, or give the header in `http_headers`',
  env_keys: 'give the variables in `envs`',
  headersHelper: 'give the header in `headers`, with a variable',
  required: 'a server that does not start stops no other',
  settings: 'they are for an extension of the editor',
  sandbox: 'run the server in a container if it must be confined',
  sandboxEnabled: 'run the server in a container if it must be confined',
  dev: 'it is for the development mode of the editor',
  watchPaths: 'restart the gateway where a server was built anew',
}

/** Only these say nothing about how a server is reached. */
const silent = new Set([
  'name',
  'id',
  'description',
  'gallery',
  'version',
  'icon',
  'iconPath',
  'faviconUrl',
  'title',
  'display_name',
  'source',
  'bundled',
  'remote',
  '$schema',
])

/** `trust: false`, `autoApprove: []`, `tools: ["*"]`: nothing is lost where they are not taken over. */
function asksForNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === '') return true
  if (Array.isArray(value)) return value.length === 0 || (value.length === 1 && value[0] === '*')
  return isObject(value) && Object.keys(value).length === 0
}
