// Callers whom a gateway in front has identified and names in headers. Anybody can send such headers, so they count only from where that gateway
// is, by the address of the connection itself, and with a proof that it is the one: a shared secret, its certificate, or a signed header.
// Whatever else comes with such headers is as if it had none.
import { createHash, timingSafeEqual } from 'node:crypto'
import ipaddr from 'ipaddr.js'
import { LRUCache } from 'lru-cache'
import type { Principal } from '../../core/call/principal.ts'
import { keepSubjectToken, subjectTokenOf } from '../../core/call/subject-token.ts'
import { defaultTenant, type TenantKey, tenantKey } from '../../core/call/tenant-key.ts'
import type { Presented } from '../../core/ports/gateway.ts'
import { isName } from './claims.ts'
import type { TrustedHeaderSettings } from './settings.ts'
import type { SignedHeader } from './signed-header.ts'
import type { Trusted } from './trusted.ts'

/** Where the shared secret of the gateway in front stands. */
export const proofHeader = 'signalbox-proof'

/** Addresses whose verdict is kept, and callers. */
const mostAddresses = 1_000
const mostCallers = 10_000

/** Longer ones are handed on to nobody, in characters. */
const longestToken = 8_192

export interface TrustedHeaders {
  /** At once but for a signed header that is new. Never rejects. */
  read(presented: Presented): Trusted | Promise<Trusted>
}

export interface TrustedHeaderParts {
  readonly settings: TrustedHeaderSettings
  /** Where the proof is a signed header. */
  readonly signed: SignedHeader | undefined
}

/** In place of an address: who comes by the UNIX socket of the front door. */
const socketFile = 'unix'

const nobody = 'signalbox:trusted-header'

export function createTrustedHeaders({ settings, signed }: TrustedHeaderParts): TrustedHeaders {
  const isBySocket = settings.proof.from.includes(socketFile)
  const ranges = settings.proof.from
    .filter((text) => text !== socketFile)
    .map((text) => ipaddr.parseCIDR(text.includes('/') ? text : `${text}/${text.includes(':') ? 128 : 32}`))
  const addresses = new Map<string, boolean>()
  const callers = new LRUCache<TenantKey, Principal>({ max: mostCallers })
  const tokenType = `urn:ietf:params:oauth:token-type:${settings.token?.type ?? 'id_token'}`
  const secret = settings.proof.sharedSecret === undefined ? undefined : digest(settings.proof.sharedSecret)
  const names = {
    subject: settings.subject?.toLowerCase(),
    groups: settings.groups?.toLowerCase(),
    scopes: settings.scopes?.toLowerCase(),
    tenant: settings.tenant?.toLowerCase(),
    token: settings.token?.header.toLowerCase(),
  }

  const isFrom = (address: string): boolean => {
    if (address === socketFile) return isBySocket
    let known = addresses.get(address)
    if (known === undefined) {
      if (addresses.size >= mostAddresses) addresses.clear()
      known = inRanges(address, ranges)
      addresses.set(address, known)
    }
    return known
  }

  const isProven = ({ remoteAddress, headers, certificate }: Presented): boolean => {
    if (remoteAddress === undefined || !isFrom(remoteAddress)) return false
    if (secret !== undefined) {
      const shown = headers.get(proofHeader)
      return shown?.length === 1 && timingSafeEqual(digest(shown[0] ?? ''), secret)
    }
    const { mtlsSan } = settings.proof
    if (mtlsSan === undefined) return signed !== undefined
    return certificate?.authorized === true && certificate.names.some((name) => name === mtlsSan || bareName(name) === mtlsSan)
  }

  const named = (headers: Presented['headers']): Trusted => {
    const subject = names.subject === undefined ? undefined : headers.get(names.subject)
    if (subject === undefined) return undefined
    for (const name of Object.values(names)) {
      if (name !== undefined && (headers.get(name)?.length ?? 0) > 1) return { malformed: `names its caller twice: ${name}` }
    }
    const one = (name: string | undefined): string => (name === undefined ? '' : (headers.get(name)?.[0] ?? ''))
    const [sub = ''] = subject
    const tenant = names.tenant === undefined ? defaultTenant : one(names.tenant)
    if (!isName(sub)) return { malformed: 'names nobody as its caller' }
    if (!isName(tenant)) return { malformed: 'names no tenant for its caller' }
    const key = tenantKey(tenant, nobody, sub, one(names.groups), one(names.scopes))
    let principal = callers.get(key)
    if (principal === undefined) {
      const groups = parts(one(names.groups), /\s*,\s*/)
      principal = { ...plain, tenant, sub, groups, scopes: parts(one(names.scopes), /[\s,]+/) }
      callers.set(key, principal)
    }
    const token = one(names.token)
    if (token.length > longestToken) return { malformed: 'hands on a token that is too long' }
    if (token !== '' && subjectTokenOf(principal)?.value !== token) keepSubjectToken(principal, { value: token, type: tokenType })
    return { principal }
  }

  return {
    read: (presented) => {
      if (!isProven(presented)) return undefined
      return signed === undefined ? named(presented.headers) : signed.read(presented, names.subject)
    },
  }
}

const plain = {
  iss: nobody,
  clientId: undefined,
  kind: 'user',
  credential: '',
  actors: [],
  run: undefined,
  team: undefined,
  expiresAt: undefined,
  method: 'trustedHeader',
} as const

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function inRanges(address: string, ranges: readonly [ipaddr.IPv4 | ipaddr.IPv6, number][]): boolean {
  if (!ipaddr.isValid(address)) return false
  const parsed = ipaddr.process(address)
  return ranges.some(([range, bits]) => parsed.kind() === range.kind() && parsed.match(range, bits))
}

/** The name in `DNS:a.example` and `URI:spiffe://a`; of other kinds nobody is named. */
function bareName(name: string): string | undefined {
  return /^(?:DNS|URI):(.*)$/.exec(name)?.[1]
}

function parts(text: string, between: RegExp): readonly string[] {
  return [...new Set(text.split(between).filter(isName))]
}
