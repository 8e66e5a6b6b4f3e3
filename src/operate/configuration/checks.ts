// What only the whole of the settings shows: contradictions, names that clash, keys without effect, what a profile refuses.
import type { Settings } from '../../assembly/settings.ts'
import { nearest } from '../../core/text/nearest.ts'
import { error, type Finding, type Path, warning } from '../../platform/config/index.ts'
import { accessFindings } from './access-checks.ts'
import { callerFindings } from './caller-checks.ts'
import { embeddedFindings } from './embedded-checks.ts'
import { listenFindings } from './listen-checks.ts'
import { productionFindings } from './production-checks.ts'
import { qualityFindings } from './quality-checks.ts'
import { redactFindings } from './redact-checks.ts'
import { addresses } from './server-addresses.ts'
import { storeFindings } from './store-checks.ts'

type Server = Settings['servers'][string]

/** All findings. `has` tells what the file itself says, since the settings are full of defaults, `inline` which texts stand in it as they are. */
export function checkSettings(settings: Settings, has: (path: Path) => boolean, inline: (path: Path) => boolean = () => false): Finding[] {
  const empty = Object.keys(settings.servers).length === 0
  return [
    ...(empty ? [warning(['servers'], 'names no server, so nothing is served', 'add one under `servers`')] : []),
    ...listenFindings(settings),
    ...productionFindings(settings, inline),
    ...storeFindings(settings, inline),
    ...callerFindings(settings),
    ...embeddedFindings(settings),
    ...timeouts(settings, has),
    ...sizes(settings),
    ...qualityFindings(settings),
    ...redactFindings(settings),
    ...names(settings),
    ...Object.entries(settings.toolsets).flatMap(([name, toolset]) => selection(name, toolset, settings, has)),
    ...Object.keys(settings.tools).flatMap((text) => (text === '*' ? [] : serverExists(text, ['tools', text], settings, has))),
    ...accessFindings(settings, (text, path) => serverExists(text, path, settings, has)),
    ...Object.entries(settings.servers).flatMap(([name, server]) => oneServer(name, server, settings, has)),
  ]
}

function timeouts(settings: Settings, has: (path: Path) => boolean): Finding[] {
  const places: [Path, Settings['timeouts']][] = [[['timeouts'], settings.timeouts]]
  for (const [name, server] of Object.entries(settings.servers)) {
    const own = Object.fromEntries(Object.entries(server.timeouts).filter(([, value]) => value !== undefined))
    if (Object.keys(own).length > 0) places.push([['servers', name, 'timeouts'], { ...settings.timeouts, ...own }])
  }
  return places.flatMap(([path, limits]) =>
    orders.flatMap(([smaller, larger, why]) => {
      if (limits[smaller] <= limits[larger]) return []
      // Where one of the two is inherited, the one that the file sets here is to blame.
      const key = !has([...path, smaller]) && has([...path, larger]) ? larger : smaller
      if (path.length > 1 && !has([...path, key])) return []
      const what = `contradiction: \`${smaller}\` (${limits[smaller]} ms) is longer than \`${larger}\` (${limits[larger]} ms), ${why}`
      return [error([...path, key], what, `lower \`${smaller}\` or raise \`${larger}\``)]
    }),
  )
}

type Limit = keyof Settings['timeouts']
const orders: readonly (readonly [smaller: Limit, larger: Limit, why: string])[] = [
  ['call', 'maximum', 'so the first would never be reached'],
  ['connect', 'start', 'so a start would end before its connection may'],
  ['probe', 'start', 'so a start would end before its probe may'],
  ['connect', 'call', 'so a call would end before its connection may'],
]

function sizes(settings: Settings): Finding[] {
  const { resultBytes, messageBytes } = settings.limits
  if (resultBytes <= messageBytes) return []
  const what = `contradiction: results of ${resultBytes} bytes are allowed, but messages only up to ${messageBytes}`
  return [error(['limits', 'resultBytes'], what, 'lower `resultBytes` or raise `messageBytes`')]
}

function names(settings: Settings): Finding[] {
  const findings: Finding[] = []
  for (const name of Object.keys(settings.toolsets)) {
    if (Object.hasOwn(settings.servers, name)) {
      findings.push(error(['toolsets', name], `the server ${name} has the same name, and both would be /mcp/${name}`, 'rename one of them'))
    }
  }
  const claimants = Object.entries(settings.servers).filter(([, server]) => server.bareNames && server.enabled)
  for (const [name] of claimants.slice(1)) {
    const what = `the server ${claimants[0]?.[0]} claims bare names already`
    findings.push(error(['servers', name, 'bareNames'], what, 'at most one server may; remove it here or there'))
  }
  return findings
}

/** The server that a selector names; one whose settings could not be read is in the file all the same. */
function serverExists(text: string, path: Path, settings: Settings, has: (path: Path) => boolean): Finding[] {
  const server = text.split('/')[0] ?? ''
  if (Object.hasOwn(settings.servers, server) || has(['servers', server])) return []
  const servers = Object.keys(settings.servers)
  const near = nearest(server, servers)[0]
  const mend = near === undefined ? `use one of ${servers.join(', ') || '(none)'}` : `did you mean ${near}?`
  return [error(path, `there is no server ${JSON.stringify(server)}`, mend)]
}

function selection(name: string, toolset: Settings['toolsets'][string], settings: Settings, has: (path: Path) => boolean): Finding[] {
  const findings: Finding[] = []
  const mustExist = (entry: string, path: Path) => void findings.push(...serverExists(entry, path, settings, has))
  for (const key of ['include', 'exclude'] as const)
    for (const [index, entry] of toolset[key].entries()) mustExist(entry, ['toolsets', name, key, index])
  for (const key of ['rename', 'describe'] as const)
    for (const entry of Object.keys(toolset[key])) mustExist(entry, ['toolsets', name, key, entry])
  const shown = new Map<string, string>()
  for (const [entry, to] of Object.entries(toolset.rename)) {
    const path = ['toolsets', name, 'rename', entry]
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(to))
      findings.push(error(path, `${JSON.stringify(to)} is no name for a tool`, 'use 1 to 64 of A-Z, a-z, 0-9, _ and -'))
    const other = shown.get(to)
    if (other !== undefined) findings.push(error(path, `${other} is renamed to ${to} as well`, 'give each its own name'))
    shown.set(to, entry)
  }
  return findings
}

function oneServer(name: string, server: Server, settings: Settings, has: (path: Path) => boolean): Finding[] {
  const path: Path = ['servers', name]
  const findings: Finding[] = []
  const idle = server.command !== undefined ? (['headers', 'transport', 'forwardHeaders'] as const) : (['args', 'env', 'cwd'] as const)
  for (const key of idle) {
    if (has([...path, key]))
      findings.push(warning([...path, key], `has no effect on ${server.command !== undefined ? 'a stdio' : 'an HTTP'} server`, 'remove it'))
  }
  if (server.command !== undefined && server.auth !== undefined) {
    findings.push(error([...path, 'auth'], 'has no effect on a stdio server', 'give the server its credential by `env`'))
  }
  for (const [key, value] of Object.entries(server.headers)) {
    const at = [...path, 'headers', key]
    if (!token.test(key)) findings.push(error(at, 'is no name of a header', 'use letters, digits and -'))
    else if (ownHeaders.test(key)) findings.push(error(at, 'is set by the gateway itself', 'remove it'))
    if (/[^\t\x20-\x7e\x80-\xff]/.test(value))
      findings.push(error(at, 'its value has characters that no header can carry', 'remove line breaks and other control characters'))
  }
  for (const [from, to] of Object.entries(server.forwardHeaders)) {
    const bad = [from, to].find((each) => !token.test(each) || ownHeaders.test(each))
    if (bad !== undefined)
      findings.push(
        error(
          [...path, 'forwardHeaders', from],
          `${JSON.stringify(bad)} cannot be forwarded`,
          'it is no header name, or one that belongs to a single hop',
        ),
      )
  }
  for (const { path: at, url } of addresses(path, server)) {
    if (url.protocol === 'http:' || url.protocol === 'https:') continue
    findings.push(error(at, `${url.protocol} is no protocol of MCP servers`, 'use http:// or https://'))
  }
  if ((server.timeouts.call ?? settings.timeouts.call) >= 60_000 && (has([...path, 'timeouts', 'call']) || has(['timeouts', 'call']))) {
    const at = has([...path, 'timeouts', 'call']) ? [...path, 'timeouts', 'call'] : ['timeouts', 'call']
    findings.push(
      warning(
        at,
        'most SDK clients give up after 60000 ms, before the gateway would',
        'stay under it, or raise the time-out of your clients too',
      ),
    )
  }
  return findings
}

const token = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/
/** Headers of one hop, and those that the revision owns. */
const ownHeaders =
  /^(host|connection|content-length|content-type|transfer-encoding|upgrade|te|trailer|keep-alive|accept|expect|proxy-.*|mcp-.*|last-event-id)$/i
