// A gateway that is killed again and again under load, and what its audit has of the calls that were answered.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { auditRows } from '../../src/observe/audit/read.ts'
import { type AuditVerdict, verifyAudit } from '../../src/observe/audit/verify.ts'
import { readSqliteAudit } from '../../src/platform/audit/sqlite.ts'
import { startProcess } from '../peers/process.ts'
import { modern } from '../peers/raw.ts'
import { plainTool, startScripted, textResult } from '../peers/scripted.ts'
import { value } from './bench.ts'

export interface Killed {
  readonly answered: number
  /** Calls that were answered and have no row. */
  readonly missing: number
  /** The longest time from an answer to a kill, in ms, of those that are missing. */
  readonly longestMs: number
  /** Rows of calls whose answer never came. */
  readonly unanswered: number
  readonly verdict: AuditVerdict
}

/** `callers` at a time, `most` answers before each kill. Each call is told from the others by the run that it states. */
export async function killAgainAndAgain(mode: 'durable' | 'buffered', kills: number, callers = 16, most = 150): Promise<Killed> {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-audit-kills-'))
  const server = await startScripted({ era: 'modern', tools: [plainTool('note')], call: ({ answer }) => answer(textResult('noted')) })
  const config = {
    stateDir: join(folder, 'state'),
    audit: { mode },
    log: { calls: false },
    servers: { up: { url: server.url, era: 'modern' } },
  }
  const answers = new Map<string, number>()
  const killedAt: number[] = []
  let calls = 0
  try {
    for (let kill = 0; kill < kills; kill += 1) {
      const gateway = await startProcess(config)
      let over = false
      let answered = 0
      const caller = async (): Promise<void> => {
        while (!over) {
          calls += 1
          const run = `kill-${kill}-call-${calls}`
          const asked = { name: 'up__note', arguments: { n: calls }, _meta: { 'signalbox.dev/run': run } }
          const { message } = await modern(gateway.base, 'tools/call', asked)
          if (message.result?.isError !== true && message.result?.content?.[0]?.text === 'noted') {
            answers.set(run, Date.now())
            answered += 1
          }
          // Each time after another number of answers, in the middle of whatever is written.
          if (answered >= most + 17 * (kill % 7) && !over) {
            over = true
            gateway.child.kill('SIGKILL')
          }
        }
      }
      await Promise.all(Array.from({ length: callers }, () => caller().catch(() => undefined)))
      await gateway.end('SIGKILL')
      killedAt.push(Date.now())
    }
    const store = readSqliteAudit(join(config.stateDir, 'audit.db'))
    const runs = new Set<string>()
    let after: string | undefined
    do {
      const page = value(await auditRows(store, { about: 'call', tool: 'up/note' }, { order: 'oldest', most: 5_000, after }))
      for (const { run } of page.rows) runs.add(run ?? '')
      after = page.next
    } while (after !== undefined)
    const verdict = value(await verifyAudit(store))
    await store.close()
    const missing = [...answers].filter(([run]) => !runs.has(run))
    const ages = missing.map(([run, at]) => (killedAt[Number(run.split('-')[1])] ?? 0) - at)
    return {
      answered: answers.size,
      missing: missing.length,
      longestMs: Math.max(0, ...ages),
      unanswered: [...runs].filter((run) => !answers.has(run)).length,
      verdict,
    }
  } finally {
    await server.close()
    rmSync(folder, { recursive: true, force: true })
  }
}
