// Keeps the inventory of clients in the durable store: read at the start, written a while after something changed, off the path of calls.
import type { Clock, Timer } from '../core/ports/clock.ts'
import type { Log } from '../core/ports/report.ts'
import type { ClientStore } from './client-store.ts'
import type { Inventory } from './inventory.ts'

export interface InventorySaving {
  /** Reads what is kept. Never rejects. */
  start(): Promise<void>
  /** Writes what is not kept yet, and ends. Never rejects. */
  end(): Promise<void>
}

/** How long changes are gathered, in ms: what a crash loses. */
const gatherMs = 5_000

export function saveInventory(inventory: Inventory, store: ClientStore, clock: Clock, log: Log): InventorySaving {
  let timer: Timer | undefined
  let running: Promise<void> | undefined
  let ended = false

  function later(): void {
    if (!ended) timer ??= clock.timer(gatherMs, () => void flush())
  }

  function flush(): Promise<void> {
    timer?.cancel()
    timer = undefined
    if (running !== undefined) return running.then(flush)
    running = write().finally(() => {
      running = undefined
      if (inventory.changed) later()
    })
    return running
  }

  async function write(): Promise<void> {
    const rows = inventory.takeUnsaved()
    if (rows.length === 0) return
    try {
      const kept = await store.add(rows)
      if (kept.ok) inventory.merge(kept.value)
      // Nothing is wrong with the store, so the same rows would never be taken.
      else if (kept.fault.kind === 'conflict') log('error', 'The inventory of clients could not be kept', { reason: kept.fault.message })
      // The store has told what is wrong with it. The rows wait here, one for each client.
      else inventory.giveBack(rows)
      ended ||= !kept.ok && (kept.fault.kind === 'closed' || kept.fault.kind === 'newer')
    } catch (error) {
      log('error', 'The inventory of clients could not be kept', { stack: error instanceof Error ? error.stack : String(error) })
    }
  }

  inventory.onChange(later)
  return {
    end: async () => {
      await flush()
      ended = true
      timer?.cancel()
    },
    start: async () => {
      try {
        const kept = await store.load()
        if (kept.ok) inventory.merge(kept.value)
      } catch (error) {
        log('error', 'The inventory of clients could not be read', { stack: error instanceof Error ? error.stack : String(error) })
      }
    },
  }
}
