// Keeps results that are too large for one message, for a while and for the principal that caused them, and hands them out in slices.
import { type Principal, principalKey, samePrincipal } from '../../core/call/principal.ts'
import type { Clock, Random, Timer } from '../../core/ports/clock.ts'
import { asBuffer } from '../../core/protocol/scan.ts'

export const resultScheme = 'signalbox://results/'
export const keptMs = 600_000
const mostBytes = 512 * 1_024 * 1_024

export interface Kept {
  readonly id: string
  readonly principal: Principal
  readonly bytes: Uint8Array
  readonly expiresAt: number
}

export interface Slice {
  /** JSON text of the result from `offset` on, whole characters. */
  readonly text: string
  readonly offset: number
  /** Where the next slice starts; undefined at the end. */
  readonly next: number | undefined
  readonly total: number
}

export interface SpillLimits {
  /** Results kept at once. */
  readonly most: number
  /** Bytes kept in all. */
  readonly bytes?: number
}

export class SpillStore {
  private readonly clock: Clock
  private readonly random: Random
  private readonly limits: Required<SpillLimits>
  /** Oldest first. */
  private readonly kept = new Map<string, Kept>()
  private total = 0
  private timer: Timer | undefined

  constructor(clock: Clock, random: Random, limits: SpillLimits) {
    this.clock = clock
    this.random = random
    this.limits = { bytes: mostBytes, ...limits }
  }

  get size(): number {
    return this.kept.size
  }

  get bytes(): number {
    return this.total
  }

  /** The id of the kept result; undefined where it is too large to be kept at all. Makes room where need be. */
  keep(principal: Principal, bytes: Uint8Array): string | undefined {
    if (this.limits.most === 0 || bytes.length > this.limits.bytes) return undefined
    while (this.kept.size >= this.limits.most || this.total + bytes.length > this.limits.bytes) this.makeRoom()
    const id = this.random.id()
    this.kept.set(id, { id, principal, bytes, expiresAt: this.clock.mono() + keptMs })
    this.total += bytes.length
    this.arm()
    return id
  }

  /** Undefined where it is unknown, gone, or another principal's: the three look alike. */
  read(principal: Principal, id: string, offset: number, most: number): Slice | undefined {
    const found = this.kept.get(id)
    if (found === undefined || found.expiresAt <= this.clock.mono()) return undefined
    if (!samePrincipal(found.principal, principal)) return undefined
    const { bytes } = found
    const from = onCharacter(bytes, Math.min(offset, bytes.length))
    const to = onCharacter(bytes, Math.min(from + most, bytes.length))
    const text = asBuffer(bytes).toString('utf8', from, to)
    return { text, offset: from, next: to < bytes.length ? to : undefined, total: bytes.length }
  }

  /** Milliseconds that a result is still kept. */
  leftMs(id: string): number {
    const found = this.kept.get(id)
    return found === undefined ? 0 : Math.max(0, Math.floor(found.expiresAt - this.clock.mono()))
  }

  close(): void {
    this.timer?.cancel()
    this.timer = undefined
    this.kept.clear()
    this.total = 0
  }

  /** The oldest result of whoever holds most goes, so that one caller cannot push out the others. */
  private makeRoom(): void {
    const held = new Map<string, Kept[]>()
    for (const kept of this.kept.values()) {
      const key = principalKey(kept.principal)
      const list = held.get(key)
      if (list === undefined) held.set(key, [kept])
      else list.push(kept)
    }
    let most: readonly Kept[] = []
    for (const list of held.values()) if (list.length > most.length) most = list
    const [oldest] = most
    if (oldest !== undefined) this.drop(oldest)
  }

  private drop(kept: Kept): void {
    this.kept.delete(kept.id)
    this.total -= kept.bytes.length
  }

  private arm(): void {
    const [oldest] = this.kept.values()
    if (this.timer !== undefined || oldest === undefined) return
    this.timer = this.clock.timer(Math.max(0, oldest.expiresAt - this.clock.mono()), () => this.sweep())
  }

  private sweep(): void {
    this.timer = undefined
    for (const kept of this.kept.values()) {
      if (kept.expiresAt > this.clock.mono()) break
      this.drop(kept)
    }
    this.arm()
  }
}

/** The start of the character that `at` stands in. */
function onCharacter(bytes: Uint8Array, at: number): number {
  let i = at
  while (i > 0 && i < bytes.length && ((bytes[i] as number) & 0xc0) === 0x80) i -= 1
  return i
}
