// Writes of one turn of the event loop leave together, after its reads. A write that wakes a sleeping peer costs several times one to a
// peer that is awake, and answers that trickle out one by one wake it for each.

/** A turn whose writes are this many lets them go at once: the first of them should not wait for many more reads. */
export const mostTogether = 16

let waiting: (() => void)[] = []
let armed = false

/** Runs `write` at the end of this turn, in order with the others. What it throws is uncaught and harms no other write. */
export function atTurnEnd(write: () => void): void {
  waiting.push(write)
  if (waiting.length >= mostTogether) flush()
  else if (!armed) {
    armed = true
    setImmediate(endTurn)
  }
}

function endTurn(): void {
  armed = false
  flush()
}

function flush(): void {
  const writes = waiting
  waiting = []
  let done = 0
  try {
    for (; done < writes.length; done += 1) (writes[done] as () => void)()
  } finally {
    if (done < writes.length) for (const write of writes.slice(done + 1)) atTurnEnd(write)
  }
}
