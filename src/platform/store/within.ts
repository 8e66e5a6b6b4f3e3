// A bound on the time of one step towards a store.
import type { Clock } from '../../core/ports/clock.ts'
import { StoreError } from './store-error.ts'

/** Rejects with `unavailable` and the text `late` after `ms`. What is not waited for any more may still reject: nobody hears it. */
export async function within<T>(clock: Clock, ms: number, work: Promise<T>, late: string): Promise<T> {
  let timer: { cancel(): void } | undefined
  const limit = new Promise<never>((_, reject) => {
    timer = clock.timer(ms, () => reject(new StoreError('unavailable', late)))
  })
  try {
    return await Promise.race([work, limit])
  } finally {
    timer?.cancel()
  }
}
