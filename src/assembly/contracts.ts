// The judge of tool contracts as the gateway has it.
import type { Clock } from '../core/ports/clock.ts'
import type { ContractJudge } from '../core/ports/contract-judge.ts'
import { createJudge, createJudging, rules, sameThread, threadAt } from '../gateway/contracts/index.ts'
import { runByGate } from './contract-runs.ts'

/** Node.js 20 runs no TypeScript in a thread: from sources, which is in tests, it is judged in this one. */
const built = import.meta.url.endsWith('.js')

export function createContractJudge(clock: Clock): ContractJudge {
  const start = built ? threadAt(new URL('./contract-worker.js', import.meta.url)) : sameThread(createJudge(rules, runByGate))
  return createJudging({ clock, start })
}
