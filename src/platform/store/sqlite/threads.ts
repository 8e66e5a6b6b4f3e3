// Threads that are in calls of SQLite. Node.js stops its threads wherever they are when the process exits, and one that is stopped in the
// middle of a call throws a C++ error that nothing can catch: the process is aborted then, whatever its exit code was to be. So it exits when
// they have ended.
import type { Clock } from '../../../core/ports/clock.ts'

export interface Thread {
  /** Lets it end after the call that it is in. */
  end(): void
  /** Resolves when it is gone. */
  readonly ended: Promise<void>
}

const running = new Set<Thread>()
let isExiting = false

/** False: the process exits, and no thread may begin any more. */
export function mayBegin(): boolean {
  return !isExiting
}

export function begun(thread: Thread): void {
  running.add(thread)
  thread.ended.then(() => running.delete(thread))
}

/** Before the process exits: ends all threads, and lets none begin. False where one is still in a call after `ms`. */
export function endThreads(clock: Clock, ms: number): Promise<boolean> {
  isExiting = true
  if (running.size === 0) return Promise.resolve(true)
  for (const thread of running) thread.end()
  return new Promise((resolve) => {
    const timer = clock.timer(ms, () => resolve(false))
    Promise.all([...running].map(({ ended }) => ended)).then(() => {
      timer.cancel()
      resolve(true)
    })
  })
}
