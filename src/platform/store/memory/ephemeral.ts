// The ephemeral store of a single process: a bounded map with expiry, and topics.
import type { Clock } from '../../../core/ports/clock.ts'
import type { Ephemeral, Unsubscribe, Versioned } from '../../../core/ports/stores.ts'

interface Entry extends Versioned {
  readonly expiresAt: number
}

export interface MemoryEphemeral extends Ephemeral {
  /** Entries held now, for the gauge. */
  size(): number
}

/** At most `most` entries; beyond it the entry that was written longest ago goes first. */
export function createMemoryEphemeral(clock: Clock, most = 100_000): MemoryEphemeral {
  const entries = new Map<string, Entry>()
  const topics = new Map<string, Set<(message: Uint8Array) => void>>()

  function live(key: string): Entry | undefined {
    const entry = entries.get(key)
    if (entry === undefined || entry.expiresAt > clock.mono()) return entry
    entries.delete(key)
    return undefined
  }

  function makeRoom(): void {
    if (entries.size < most) return
    for (const key of [...entries.keys()]) if (live(key) === undefined && entries.size < most) return
    const oldest = entries.keys().next().value
    if (oldest !== undefined && entries.size >= most) entries.delete(oldest)
  }

  return {
    size: () => entries.size,
    async get(key) {
      return live(key)
    },
    async put(key, value, { ttlMs, ifVersion }) {
      const old = live(key)
      if (ifVersion === 'absent' ? old !== undefined : ifVersion !== undefined && old?.version !== ifVersion) return false
      entries.delete(key)
      makeRoom()
      entries.set(key, { value, version: (old?.version ?? 0) + 1, expiresAt: clock.mono() + ttlMs })
      return true
    },
    async delete(key) {
      entries.delete(key)
    },
    async publish(topic, message) {
      for (const on of topics.get(topic) ?? []) on(message)
    },
    async subscribe(topic, on): Promise<Unsubscribe> {
      const listeners = topics.get(topic) ?? new Set()
      topics.set(topic, listeners)
      listeners.add(on)
      return () => {
        listeners.delete(on)
        if (listeners.size === 0) topics.delete(topic)
      }
    },
  }
}
