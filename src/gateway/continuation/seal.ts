// What a `requestState` of ours says: which leg of which call it continues, for whom, and until when. Sealed, so that a client can
// neither read nor alter it; opened, it is compared with the call that brings it back.
import { createHash } from 'node:crypto'
import type { Call, UpstreamId } from '../../core/call/call.ts'
import type { OpenContinuation } from '../../core/call/outcome.ts'
import type { Payload } from '../../core/call/payload.ts'
import { principalKey } from '../../core/call/principal.ts'
import type { Sealer } from '../../core/call/seal.ts'
import { locate } from '../../core/protocol/locate.ts'

/** Authenticated with every token, so that no other sealed thing passes for one; its number is the version of `Body`. */
const purpose = 'requestState/2'

/** How long a relayed continuation may be taken up, in ms; a parked one until its call is given up. */
const relayedMs = 3_600_000

/** What is known of a continuation once its seal is opened and agrees with the call. */
export interface Opened {
  /** Unique to the leg: a parked one is taken up once. */
  readonly token: string
  readonly expiresAtMs: number
  readonly upstream: UpstreamId
  /** The upstream's own name of the item. */
  readonly item: string
  /** Digest of the item's definition: the leg must meet the contract that the first one met. */
  readonly definition: string
  readonly continuation:
    | { readonly kind: 'relayed'; readonly inner: string | undefined }
    | { readonly kind: 'parked'; readonly park: string; readonly owner: string }
}

interface Body {
  readonly t: string
  readonly exp: number
  /** `principalKey` of the caller. */
  readonly by: string
  readonly method: string
  readonly mount: string
  readonly target: string | null
  /** Digest of the arguments as sent. */
  readonly args: string
  readonly up: string
  readonly item: string
  readonly def: string
  /** Relayed: the upstream's own state, absent where it sent none. */
  readonly inner?: string
  /** Parked: park and owner. */
  readonly park?: readonly [string, string]
}

export interface SealInput {
  readonly call: Call
  readonly upstream: UpstreamId
  readonly item: string
  readonly definition: string
  readonly continuation: OpenContinuation
  readonly token: string
  readonly nowMs: number
}

export function sealContinuation(sealer: Sealer, { call, upstream, item, definition, continuation, token, nowMs }: SealInput): string {
  const body: Body = {
    t: token,
    exp: continuation.kind === 'parked' ? continuation.expiresAtMs : nowMs + relayedMs,
    by: principalKey(call.caller.principal),
    method: call.method,
    mount: call.mount,
    target: call.target ?? null,
    args: argumentsDigest(call.params),
    up: upstream,
    item,
    def: definition,
    ...(continuation.kind === 'parked' ? { park: [continuation.park, continuation.owner] } : {}),
    ...(continuation.kind === 'relayed' && continuation.inner !== undefined ? { inner: continuation.inner } : {}),
  }
  return sealer.seal(Buffer.from(JSON.stringify(body)), purpose)
}

/** Opens a `requestState` and compares it with the call, or says why it does not hold. */
export function openContinuation(sealer: Sealer, state: unknown, call: Call, nowMs: number): Opened | { readonly reason: string } {
  if (typeof state !== 'string') return { reason: 'it is no string' }
  const plain = sealer.open(state, purpose)
  if (plain === undefined) return { reason: 'it was altered, or was not issued by this gateway' }
  const body = JSON.parse(Buffer.from(plain).toString('utf8')) as Body
  const reason = disagreement(body, call, nowMs)
  if (reason !== undefined) return { reason }
  return {
    token: body.t,
    expiresAtMs: body.exp,
    upstream: body.up,
    item: body.item,
    definition: body.def,
    continuation:
      body.park === undefined ? { kind: 'relayed', inner: body.inner } : { kind: 'parked', park: body.park[0], owner: body.park[1] },
  }
}

function disagreement(body: Body, call: Call, nowMs: number): string | undefined {
  if (body.by !== principalKey(call.caller.principal)) return 'it was issued to another caller'
  if (body.exp <= nowMs) return 'it has expired'
  if (body.method !== call.method || body.mount !== call.mount || body.target !== (call.target ?? null)) return 'it belongs to another call'
  return body.args === argumentsDigest(call.params) ? undefined : 'the arguments differ from those of the first leg'
}

/** SHA-256 of `arguments`, byte for byte as sent; absent ones have a digest of their own. */
function argumentsDigest(params: Payload): string {
  const args = locate(params.bytes, ['arguments'])
  return args === undefined ? '' : digest(args)
}

export function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64url')
}
