// Gateways that are killed under load. `npm run audit-kill` does it 50 times in each mode; here it is a few.
import { expect } from 'vitest'
import { lossMs } from '../../src/observe/audit/audit.ts'
import { promise } from '../promises/promise.ts'
import { type Killed, killAgainAndAgain } from './kills.ts'

const kills = Number(process.env.AUDIT_KILLS ?? 3)
const longMs = 60_000 + kills * 60_000

function told(mode: string, { answered, missing, longestMs, unanswered, verdict }: Killed): void {
  if (process.env.AUDIT_KILLS === undefined) return
  const rows = verdict.chains.reduce((sum, chain) => sum + chain.rows, 0)
  const what = `${answered} calls answered, ${missing} without a row (at most ${Math.round(longestMs)} ms before a kill), ${unanswered} rows of calls without an answer`
  process.stdout.write(`${mode}, killed ${kills} times: ${what}; ${verdict.chains.length} chains of ${rows} rows: ${verdict.verdict}\n`)
}

promise(
  ['R29', 'R69'],
  'durable: of a gateway that is killed under load no answered call is missing from the audit, and the audit is whole',
  async () => {
    const killed = await killAgainAndAgain('durable', kills)
    told('durable', killed)
    expect(killed.answered).toBeGreaterThan(100 * kills)
    expect(killed.missing).toBe(0)
    expect([killed.verdict.verdict, killed.verdict.broken, killed.verdict.chains.length]).toEqual(['whole', [], kills])
  },
  longMs,
)

promise(
  'R69',
  'buffered: of a gateway that is killed under load at most the calls of the stated time are missing',
  async () => {
    const killed = await killAgainAndAgain('buffered', kills)
    told('buffered', killed)
    expect(killed.answered).toBeGreaterThan(100 * kills)
    expect(killed.missing).toBeLessThan(killed.answered)
    expect(killed.longestMs).toBeLessThanOrEqual(lossMs)
    expect([killed.verdict.verdict, killed.verdict.broken]).toEqual(['whole', []])
  },
  longMs,
)
