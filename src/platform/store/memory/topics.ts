// Publish and subscribe within one process.
import type { TenantKey } from '../../../core/call/tenant-key.ts'
import type { Unsubscribe } from '../../../core/ports/ephemeral.ts'

type Listener = (message: Uint8Array) => void

export class Topics {
  private readonly topics = new Map<TenantKey, Set<Listener>>()
  private readonly failed: (error: unknown) => void

  /** `failed` is told what a listener threw. */
  constructor(failed: (error: unknown) => void) {
    this.failed = failed
  }

  publish(topic: TenantKey, message: Uint8Array): void {
    for (const on of [...(this.topics.get(topic) ?? [])]) {
      try {
        on(message)
      } catch (error) {
        this.failed(error)
      }
    }
  }

  subscribe(topic: TenantKey, on: Listener): Unsubscribe {
    // One that subscribes twice is told twice, and leaves one at a time.
    const own: Listener = (message) => on(message)
    const listeners = this.topics.get(topic) ?? new Set()
    this.topics.set(topic, listeners)
    listeners.add(own)
    return () => {
      listeners.delete(own)
      if (listeners.size === 0 && this.topics.get(topic) === listeners) this.topics.delete(topic)
    }
  }
}
