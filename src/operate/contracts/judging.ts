// The judge of contracts for a command: within the process, since a command has nothing else to do meanwhile.
import type { ContractJudge } from '../../core/ports/contract-judge.ts'
import { judge } from '../../gateway/contracts/index.ts'

export const commandJudge: ContractJudge = {
  judge: async (old, now, options) => judge(old, now, options),
  close: async () => undefined,
}
