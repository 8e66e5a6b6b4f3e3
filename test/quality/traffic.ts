// Calls of one tool as they come in, by a clock that is simulated: bursts of an agent at work, and pauses.
import { type Answer, type Archetype, dayMs, mondayMs } from './archetype.ts'
import { type Random, randomOf, seedOf } from './random.ts'

export interface Timed extends Answer {
  readonly atMs: number
}

const burstShare = 0.6

export function traffic(archetype: Archetype, seed: number): { readonly next: () => Timed; readonly random: Random } {
  const random = randomOf(seedOf(archetype.name, seed))
  const live = archetype.live(random.fork())
  const pace = random.fork()
  // Any hour of any day of the week.
  let atMs = mondayMs + 7 * dayMs + Math.floor(random.next() * 7 * dayMs)
  const next = (): Timed => {
    const isBurst = pace.chance(burstShare)
    atMs += Math.ceil(
      isBurst ? pace.between(2_000, 20_000) : pace.exponential((archetype.everyMs - burstShare * 11_000) / (1 - burstShare)),
    )
    return { ...live(atMs), atMs }
  }
  return { next, random }
}
