// Where the doors may stand: beyond this machine only where callers are asked who they are, and nobody can listen to their answer.
import type { Settings } from '../../assembly/settings.ts'
import { isSocketFile, type ListenAddress } from '../../core/ports/listen-address.ts'
import { callerMethods } from '../../gateway/identity/index.ts'
import { error, type Finding, type Path, warning } from '../../platform/config/index.ts'
import { isLoopback } from '../../platform/net/loopback.ts'
import { isOfThisMachine, parseAddress } from './address.ts'

export function listenFindings(settings: Settings): Finding[] {
  const { listen, admin, profile } = settings
  const findings = [...wellFormed(['listen'], listen), ...front(settings), ...noEndpoint(settings)]
  if (admin.listen === undefined || admin.listen === 'off') return findings
  findings.push(...wellFormed(['admin', 'listen'], admin.listen))
  const address = parseAddress(admin.listen)
  if (address !== undefined && !isOfThisMachine(address)) {
    const open = `${hostIn(address)} can be reached from other machines`
    findings.push(
      profile === 'production'
        ? warning(
            ['admin', 'listen'],
            `${open}, and the token of the admin door crosses the network in clear text`,
            'let nobody else into that network',
          )
        : error(
            ['admin', 'listen'],
            `${open}, and in the dev profile the admin door asks nobody who they are`,
            'listen on 127.0.0.1, or `off`',
          ),
    )
  }
  if (admin.listen !== listen || listen.endsWith(':0')) return findings
  const what = `contradiction: ${listen} is the address of the front door`
  return [...findings, error(['admin', 'listen'], what, 'give the admin door another port, or `off`')]
}

function wellFormed(path: Path, text: string): Finding[] {
  return parseAddress(text) === undefined
    ? [error(path, 'is no address', 'write HOST:PORT, for example 127.0.0.1:4280, or unix: and an absolute path of at most 103 bytes')]
    : []
}

/** Every address of the front door is below it. */
function noEndpoint({ publicUrl }: Settings): Finding[] {
  const own = publicUrl === undefined ? undefined : /\/(mcp|sse|oauth|connect)\/?$/.exec(new URL(publicUrl).pathname)?.[0]
  if (own === undefined) return []
  return [error(['publicUrl'], `ends with ${own}, which stands below it`, `leave ${own} out: clients call {publicUrl}/mcp`)]
}

function front(settings: Settings): Finding[] {
  const { listen, tls, publicUrl } = settings
  const address = parseAddress(listen)
  if (address === undefined) return []
  if (isSocketFile(address)) return socket(settings)
  if (isLoopback(address.host)) return []
  const findings = asked(settings, `${address.host} can be reached from other machines`)
  if (publicUrl === undefined) {
    const what = `is missing: clients that reach ${address.host} are told this address in challenges and metadata`
    findings.push(error(['publicUrl'], what, 'write the address that clients use, for example https://mcp.example.com'))
  } else if (tls === undefined && new URL(publicUrl).protocol !== 'https:') {
    const what = 'is plain http, so that tokens would cross the network in clear text'
    findings.push(error(['publicUrl'], what, 'give `tls.cert` and `tls.key`, or put a proxy with TLS in front and write its https address'))
  }
  return findings
}

/** Its file says who may open it; in production that is a proxy, which brings others. */
function socket(settings: Settings): Finding[] {
  const { listen, profile, tls, publicUrl } = settings
  const findings: Finding[] = []
  if (tls !== undefined) {
    findings.push(error(['tls'], `contradiction: ${listen} is no address of a network`, 'leave it out; the proxy in front serves TLS'))
  }
  if (profile !== 'production') return findings
  findings.push(...asked(settings, `what stands in front of ${listen} brings callers from other machines`))
  if (publicUrl === undefined) {
    const what = `is missing: clients cannot call ${listen} itself`
    findings.push(error(['publicUrl'], what, 'write the address that clients use, for example https://mcp.example.com'))
  }
  return findings
}

function asked({ auth, profile, listen }: Settings, why: string): Finding[] {
  const methods = callerMethods(auth, profile, auth.embedded.enabled === true)
  if (methods.length > 0 && !methods.includes('anonymous')) return []
  const what = `authentication is missing: ${why}, and callers are not asked who they are`
  const other = listen.startsWith('unix:') ? '' : '; else listen on 127.0.0.1'
  return [
    error(
      ['auth'],
      what,
      `name an issuer under \`auth.issuers\`, or write \`auth: {callers: [oauth]}\` for the authorization server of the gateway itself${other}`,
    ),
  ]
}

function hostIn(address: ListenAddress): string {
  return isSocketFile(address) ? address.path : address.host
}
