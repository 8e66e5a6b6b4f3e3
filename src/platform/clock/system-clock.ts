// The real clock.
import type { Clock } from '../../core/ports/clock.ts'

export const systemClock: Clock = {
  now: () => Date.now(),
  mono: () => performance.now(),
  timer: (ms, work) => {
    const handle = setTimeout(work, ms)
    handle.unref()
    return { cancel: () => clearTimeout(handle) }
  },
}
