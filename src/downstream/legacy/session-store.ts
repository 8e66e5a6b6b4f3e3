// Where a legacy HTTP session lives: what never changes is sealed into its id, so that any replica can read it; what changes is a small
// record in the ephemeral store. Where that is gone, the session has ended, or the gateway has: the durable store tells which, and a session
// that did not end goes on.

import { createHash } from 'node:crypto'
import type { ClientCapabilities, LogLevel } from '../../core/call/call.ts'
import { type Principal, principalKey } from '../../core/call/principal.ts'
import type { Sealer } from '../../core/call/seal.ts'
import { type TenantKey, tenantKey } from '../../core/call/tenant-key.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Ephemeral } from '../../core/ports/ephemeral.ts'
import { asBuffer } from '../../core/protocol/scan.ts'
import { dayMs } from '../../core/text/duration.ts'
import type { Handshake } from './capabilities.ts'
import { listNames } from './capabilities.ts'
import type { KeptSessions } from './kept-sessions.ts'
import type { SessionState } from './session.ts'

/** The record; `capabilities` only where they are too long for a header. */
export interface SessionRecord extends SessionState {
  readonly capabilities: ClientCapabilities | undefined
}

export interface SealedSession {
  readonly id: string
  readonly mount: string
  /** `keyOf` the principal. */
  readonly owner: string
  readonly handshake: Handshake
  /** Seconds since the epoch. */
  readonly issuedAt: number
}

export interface Minted {
  /** `Mcp-Session-Id`: visible ASCII. */
  readonly token: string
  readonly record: SessionRecord
}

const purpose = 'legacy-session'
/** Longest capabilities that travel in the id, in characters of JSON. */
const longestCapabilities = 256
const longestName = 64
/** Longest id that is opened at all. */
const longestToken = 2_048
/** How long after its beginning a session can outlive a restart, in ms. What is kept of it is kept so long. */
const revivableMs = 30 * dayMs

interface Plain {
  readonly v: 1
  readonly s: string
  readonly m: string
  readonly p: string
  readonly r: Handshake['revision']
  readonly c: ClientCapabilities
  readonly n?: readonly [string, string]
  /** Positions in `listNames`. */
  readonly l: readonly number[]
  /** Seconds since the epoch. */
  readonly t?: number
}

interface StoredRecord {
  readonly v: 1
  readonly level?: LogLevel
  readonly uris: readonly string[]
  readonly caps?: ClientCapabilities
}

export interface SessionStoreParts {
  readonly clock: Clock
  readonly sealer: Sealer
  readonly ephemeral: Ephemeral
  /** Absent where nothing outlives a restart, the sealing key included. */
  readonly kept: KeptSessions | undefined
  readonly idleMs: number
}

export class SessionStore {
  private readonly parts: SessionStoreParts
  private readonly sealer: Sealer
  private readonly ephemeral: Ephemeral
  private readonly ttlMs: number

  /** Records outlive the idle time a little, so that the session ends by the door's own clock first. */
  constructor(parts: SessionStoreParts) {
    this.parts = parts
    this.sealer = parts.sealer
    this.ephemeral = parts.ephemeral
    this.ttlMs = parts.idleMs + parts.idleMs / 2
  }

  mint(session: { id: string; mount: string; principal: Principal; handshake: Handshake; issuedAt: number }): Minted {
    const { handshake } = session
    const plain: Plain = {
      v: 1,
      s: session.id,
      m: session.mount,
      p: keyOf(session.principal),
      r: handshake.revision,
      c: isLong(handshake.capabilities) ? {} : handshake.capabilities,
      ...(handshake.client === undefined
        ? {}
        : { n: [handshake.client.name.slice(0, longestName), handshake.client.version.slice(0, longestName)] }),
      l: handshake.lists.map((name) => listNames.indexOf(name)),
      t: session.issuedAt,
    }
    const token = this.sealer.seal(Buffer.from(JSON.stringify(plain)), purpose)
    return { token, record: this.record(handshake, { level: undefined, uris: [] }) }
  }

  record(handshake: Handshake, state: SessionState): SessionRecord {
    return { ...state, capabilities: isLong(handshake.capabilities) ? handshake.capabilities : undefined }
  }

  /** What the id says, or undefined where it is not ours. */
  open(token: string): SealedSession | undefined {
    if (token.length > longestToken) return undefined
    const bytes = this.sealer.open(token, purpose)
    if (bytes === undefined) return undefined
    const plain = JSON.parse(asBuffer(bytes).toString('utf8')) as Plain
    if (plain.v !== 1) return undefined
    return {
      id: plain.s,
      mount: plain.m,
      owner: plain.p,
      handshake: {
        revision: plain.r,
        capabilities: plain.c,
        client: plain.n === undefined ? undefined : { name: plain.n[0], version: plain.n[1] },
        lists: listNames.filter((_, i) => plain.l.includes(i)),
      },
      // Ids of an older version do not say it.
      issuedAt: plain.t ?? 0,
    }
  }

  /** `issuedAt`: where it is given, what of the record is more than the id is kept beyond a restart too. */
  async keep(owner: Principal, id: string, record: SessionRecord, issuedAt?: number): Promise<void> {
    const text = JSON.stringify(storedOf(record))
    if (issuedAt !== undefined) this.parts.kept?.keep(owner.tenant, id, text, untilMs(issuedAt))
    await this.ephemeral.put(key(owner, id), Buffer.from(text), { ttlMs: this.ttlMs })
  }

  async find(owner: Principal, id: string): Promise<SessionRecord | undefined> {
    const found = await this.ephemeral.get(key(owner, id))
    return found === undefined ? undefined : recordOf(asBuffer(found.value).toString('utf8'))
  }

  /** The record of a session that the store has none of any more, if it was lost with a gateway and not ended. It is kept again. */
  async revive(owner: Principal, { id, issuedAt }: SealedSession): Promise<SessionRecord | undefined> {
    const { kept, clock } = this.parts
    if (kept === undefined || clock.now() > untilMs(issuedAt)) return undefined
    const found = await kept.find(owner.tenant, id)
    if (found?.kind === 'ended') return undefined
    const record = (found === undefined ? undefined : recordOf(found.state)) ?? blank
    await this.keep(owner, id, record)
    return record
  }

  async remove(owner: Principal, id: string, issuedAt: number): Promise<void> {
    this.parts.kept?.ended(owner.tenant, id, untilMs(issuedAt))
    await this.ephemeral.delete(key(owner, id))
  }
}

const blank: SessionRecord = { level: undefined, uris: [], capabilities: undefined }

function storedOf(record: SessionRecord): StoredRecord {
  return {
    v: 1,
    uris: record.uris,
    ...(record.level === undefined ? {} : { level: record.level }),
    ...(record.capabilities === undefined ? {} : { caps: record.capabilities }),
  }
}

/** Undefined where the store holds something else than was put there. */
function recordOf(text: string): SessionRecord | undefined {
  try {
    const { v, level, uris, caps } = JSON.parse(text) as StoredRecord
    return v === 1 && Array.isArray(uris) ? { level, uris, capabilities: caps } : undefined
  } catch {
    return undefined
  }
}

/** Ms since the epoch. */
function untilMs(issuedAt: number): number {
  return issuedAt * 1_000 + revivableMs
}

/** Stands for a principal where its own text would be long. */
export function keyOf(principal: Principal): string {
  return createHash('sha256').update(principalKey(principal)).digest('base64url').slice(0, 22)
}

function isLong(capabilities: ClientCapabilities): boolean {
  return JSON.stringify(capabilities).length > longestCapabilities
}

function key({ tenant }: Principal, id: string): TenantKey {
  return tenantKey(tenant, 'legacy-session', id)
}
