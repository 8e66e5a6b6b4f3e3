// One turn of the event loop in three steps: all its reads, then the work on what was read, then the writes. The same code that runs for
// many messages in a row stays in the processor's caches, and writes that leave together find their peer awake (ADR 12).

/** Things that are this many are done at once: the first of them should not wait for many more. */
export const batchLimit = 32

class Batch {
  private waiting: (() => void)[] = []
  private running = false

  get size(): number {
    return this.waiting.length
  }

  add(thing: () => void): void {
    this.waiting.push(thing)
    if (this.waiting.length >= batchLimit && !this.running) this.run()
  }

  /** What one throws is told, and keeps no other from its turn. */
  run(): void {
    const things = this.waiting
    this.waiting = []
    this.running = true
    for (const thing of things) {
      try {
        thing()
      } catch (bug) {
        caught(bug)
      }
    }
    this.running = false
  }
}

/** Until somebody takes the bugs they are uncaught. */
let caught = (bug: unknown): void => {
  queueMicrotask(() => {
    throw bug
  })
}

/** Who hears of what a task or a write throws. There is one loop, so there is one: the last that asked. */
export function onBatchBug(listener: (bug: unknown) => void): void {
  caught = listener
}

const work = new Batch()
const writes = new Batch()
let armed = false

/** Runs `task` after the reads of this turn, in order with the others. */
export function afterReads(task: () => void): void {
  work.add(task)
  arm()
}

/** Runs `write` after the reads of this turn and the work on them, in order with the others. */
export function atBatchEnd(write: () => void): void {
  writes.add(write)
  arm()
}

function arm(): void {
  if (armed) return
  armed = true
  // Two, since the promises that the work settles go on between them.
  setImmediate(() => work.run())
  setImmediate(endBatch)
}

function endBatch(): void {
  armed = false
  writes.run()
  if (work.size + writes.size > 0) arm()
}
