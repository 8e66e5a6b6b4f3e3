// A run for tests, that of a client which states none.
import type { Run } from '../../src/core/call/run.ts'

export function aRun(change: Partial<Run> = {}): Run {
  return { id: 'run-1', source: 'made', turn: undefined, why: undefined, team: undefined, ...change }
}
