// Where a legacy HTTP session lives: what never changes is sealed into its id, so that any replica can read it; what changes is a small
// record in the ephemeral store, and where that is gone the session has ended.
import { createHash } from 'node:crypto'
import type { ClientCapabilities, LogLevel } from '../../core/call/call.ts'
import { type Principal, principalKey } from '../../core/call/principal.ts'
import type { Sealer } from '../../core/call/seal.ts'
import { type TenantKey, tenantKey } from '../../core/call/tenant-key.ts'
import type { Ephemeral } from '../../core/ports/ephemeral.ts'
import { asBuffer } from '../../core/protocol/scan.ts'
import type { Handshake } from './capabilities.ts'
import { listNames } from './capabilities.ts'
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
}

interface StoredRecord {
  readonly v: 1
  readonly level?: LogLevel
  readonly uris: readonly string[]
  readonly caps?: ClientCapabilities
}

export class SessionStore {
  private readonly sealer: Sealer
  private readonly ephemeral: Ephemeral
  private readonly ttlMs: number

  /** Records outlive the idle time a little, so that the session ends by the door's own clock first. */
  constructor(sealer: Sealer, ephemeral: Ephemeral, idleMs: number) {
    this.sealer = sealer
    this.ephemeral = ephemeral
    this.ttlMs = idleMs + idleMs / 2
  }

  mint(session: { id: string; mount: string; principal: Principal; handshake: Handshake }): Minted {
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
    }
  }

  async keep(owner: Principal, id: string, record: SessionRecord): Promise<void> {
    const stored: StoredRecord = {
      v: 1,
      uris: record.uris,
      ...(record.level === undefined ? {} : { level: record.level }),
      ...(record.capabilities === undefined ? {} : { caps: record.capabilities }),
    }
    await this.ephemeral.put(key(owner, id), Buffer.from(JSON.stringify(stored)), { ttlMs: this.ttlMs })
  }

  async find(owner: Principal, id: string): Promise<SessionRecord | undefined> {
    const found = await this.ephemeral.get(key(owner, id))
    if (found === undefined) return undefined
    const stored = JSON.parse(asBuffer(found.value).toString('utf8')) as StoredRecord
    return { level: stored.level, uris: stored.uris, capabilities: stored.caps }
  }

  async remove(owner: Principal, id: string): Promise<void> {
    await this.ephemeral.delete(key(owner, id))
  }
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
