// What only the whole of the settings shows: contradictions, names that clash, keys without effect, what a profile refuses.
import type { Settings } from '../../assembly/settings.ts'
import { nearest } from '../../core/text/nearest.ts'
import { ConditionProblem, readCondition } from '../../gateway/access/index.ts'
import type { Finding, Path } from '../../platform/config/index.ts'
import { isLoopback } from '../../platform/net/loopback.ts'
import { parseAddress } from './address.ts'
import { callerFindings } from './caller-checks.ts'
import { embeddedFindings } from './embedded-checks.ts'

type Server = Settings['servers'][string]

/** All findings. `has` tells what the file itself says, since the settings are full of defaults. */
export function checkSettings(settings: Settings, has: (path: Path) => boolean): Finding[] {
  const empty = Object.keys(settings.servers).length === 0
  return [
    ...(empty ? [warning(['servers'], 'names no server, so nothing is served', 'add one under `servers`')] : []),
    ...listening(settings),
    ...profile(settings),
    ...callerFindings(settings),
    ...embeddedFindings(settings),
    ...timeouts(settings, has),
    ...sizes(settings),
    ...names(settings),
    ...Object.entries(settings.toolsets).flatMap(([name, toolset]) => selection(name, toolset, settings, has)),
    ...Object.keys(settings.tools).flatMap((text) => (text === '*' ? [] : serverExists(text, ['tools', text], settings, has))),
    ...access(settings, has),
    ...Object.entries(settings.servers).flatMap(([name, server]) => oneServer(name, server, settings, has)),
  ]
}

function error(path: Path, what: string, mend: string): Finding {
  return { severity: 'error', path, what, mend }
}

function warning(path: Path, what: string, mend: string): Finding {
  return { severity: 'warning', path, what, mend }
}

function listening(settings: Settings): Finding[] {
  const { listen, admin } = settings
  const findings = [...reachable(['listen'], listen)]
  if (admin.listen === undefined || admin.listen === 'off') return findings
  findings.push(...reachable(['admin', 'listen'], admin.listen))
  if (admin.listen !== listen || listen.endsWith(':0')) return findings
  const what = `contradiction: ${listen} is the address of the front door`
  return [...findings, error(['admin', 'listen'], what, 'give the admin door another port, or `off`')]
}

function reachable(path: Path, text: string): Finding[] {
  const address = parseAddress(text)
  if (address === undefined) return [error(path, 'is no address', 'write HOST:PORT, for example 127.0.0.1:4280')]
  if (isLoopback(address.host)) return []
  const what = `${address.host} can be reached from other machines, and requests are neither encrypted nor authenticated`
  return [error(path, what, 'listen on 127.0.0.1; both profiles refuse other addresses until authentication is there')]
}

function profile(settings: Settings): Finding[] {
  if (settings.profile !== 'production') return []
  const findings: Finding[] = []
  if (settings.stateDir === undefined || settings.stateDir === 'off') {
    const what =
      settings.stateDir === 'off'
        ? 'is `off`, so that sealing keys and the last known catalogue would be lost at each restart'
        : 'is missing, so that sealing keys and the last known catalogue would be lost at each restart'
    findings.push(error(['stateDir'], what, 'the production profile needs a folder of its own, for example /var/lib/signalbox'))
  }
  if (settings.log.level === 'trace') {
    findings.push(error(['log', 'level'], '`trace` is for development', 'use debug or less in the production profile'))
  }
  for (const [name, server] of Object.entries(settings.servers)) {
    if (Object.keys(server.headers).length === 0) continue
    for (const { path, url } of addresses(['servers', name], server)) {
      if (url.protocol !== 'http:' || isLoopback(bare(url.hostname))) continue
      const what = 'its headers would cross the network in clear text'
      findings.push(error(path, what, 'use https; the production profile refuses http beyond this machine'))
    }
  }
  return findings
}

/** Where an HTTP server is reached, and where the configuration says so. */
export function addresses(path: Path, server: Server): { readonly path: Path; readonly url: URL }[] {
  const several = (server.endpoints ?? []).map((url, i) => ({ path: [...path, 'endpoints', i], url: new URL(url) }))
  return server.url === undefined ? several : [{ path: [...path, 'url'], url: new URL(server.url) }]
}

function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '')
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
function access(settings: Settings, has: (path: Path) => boolean): Finding[] {
  const rules = settings.access
  if (rules === undefined) {
    if (settings.profile !== 'production') return []
    const what = 'is missing, and without it every caller may use everything'
    return [error(['access'], what, "grant what is needed, rule by rule; `access: [{use: ['*']}]` grants everything to whoever is let in")]
  }
  const names = new Map<string, number>()
  return rules.flatMap((rule, at) => {
    const path = ['access', at]
    const findings = rule.use.flatMap((text, i) => (text === '*' ? [] : serverExists(text, [...path, 'use', i], settings, has)))
    const name = rule.name ?? `access.${at}`
    const other = names.get(name)
    if (other !== undefined) findings.push(error([...path, 'name'], `is the name of access.${other} too`, 'give each rule its own'))
    names.set(name, at)
    if (rule.when !== undefined) {
      try {
        readCondition(rule.when)
      } catch (problem) {
        if (!(problem instanceof ConditionProblem)) throw problem
        findings.push(error([...path, 'when'], `is no condition: ${problem.message}`, 'write CEL on `principal`, `tool`, `args` and `now`'))
      }
    }
    return findings
  })
}

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
