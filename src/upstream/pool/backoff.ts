// How long to wait before the next attempt to start or reach a server.
import type { Random } from '../../core/ports/clock.ts'

/** Longest wait in ms. */
export const backoffCapMs = 30_000

/**
 * Exponential backoff with full jitter: uniform in [0, min(`capMs`, `baseMs` · 2^attempt)) ms. `attempt` counts from 0. The jitter keeps
 * servers that failed together from being started together.
 */
export function backoffMs(attempt: number, random: Random, baseMs = 500, capMs = backoffCapMs): number {
  return random.fraction() * Math.min(capMs, baseMs * 2 ** Math.min(Math.max(attempt, 0), 30))
}
