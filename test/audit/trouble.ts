// A gateway under load whose audit gets into trouble and out of it, and what its audit has of the calls that were answered.

import type { AuditStore } from '../../src/core/ports/audit-store.ts'
import { auditRows } from '../../src/observe/audit/read.ts'
import { type AuditVerdict, verifyAudit } from '../../src/observe/audit/verify.ts'
import type { Result } from '../peers/clients.ts'
import { type GatewayProcess, startProcess } from '../peers/process.ts'
import { eventually } from '../peers/processes.ts'
import { metric, modern } from '../peers/raw.ts'
import { plainTool, startScripted, textResult } from '../peers/scripted.ts'
import { value } from './bench.ts'

export interface Troubled {
  readonly answered: number
  /** Calls that were answered and have no row. */
  readonly missing: number
  /** Kinds of faults in place of answers. */
  readonly faults: readonly string[]
  readonly verdict: AuditVerdict
  /** `signalbox_audit_store_faults_total`, by kind. */
  readonly counted: Readonly<Record<string, number>>
  readonly lost: number
  readonly log: string
}

export interface Load {
  readonly gateway: GatewayProcess
  /** Answers so far. */
  answered(): number
  /** Calls that were refused, or withheld, so far. */
  refused(): number
  /** So many more are answered from now on; throws where they are not. */
  more(answers: number): Promise<void>
}

/** `callers` at a time from the start to the end of `trouble`. Each call is told from the others by the run that it states. */
export async function underLoad(
  config: Record<string, unknown>,
  store: () => Pick<AuditStore, 'read' | 'close'>,
  trouble: (load: Load) => Promise<void>,
  env: Record<string, string> = {},
  callers = 12,
): Promise<Troubled> {
  const server = await startScripted({ era: 'modern', tools: [plainTool('note')], call: ({ answer }) => answer(textResult('noted')) })
  const gateway = await startProcess(
    { audit: { mode: 'durable' }, log: { calls: false }, servers: { up: { url: server.url, era: 'modern' } }, ...config },
    env,
  )
  try {
    const answers = new Set<string>()
    const faults: string[] = []
    let calls = 0
    let over = false
    const caller = async (): Promise<void> => {
      while (!over) {
        calls += 1
        const run = `call-${calls}`
        const asked = { name: 'up__note', arguments: { n: calls }, _meta: { 'signalbox.dev/run': run } }
        const { message } = await modern(gateway.base, 'tools/call', asked)
        if (message.result?.content?.[0]?.text === 'noted') answers.add(run)
        else faults.push(kindOf(message))
        // What is refused at once is not asked for at once again.
        if (faults.length > 0) await new Promise(setImmediate)
      }
    }
    const all = Promise.all(Array.from({ length: callers }, caller))
    all.catch(() => undefined)
    const more = async (count: number) => {
      const until = answers.size + count
      if (!(await eventually(() => answers.size >= until, 30_000))) throw new Error(`Nothing is answered: ${gateway.log().slice(-2_000)}`)
    }
    await trouble({ gateway, answered: () => answers.size, refused: () => faults.length, more })
    over = true
    await all
    const counted = Object.fromEntries(
      [...(await metric(gateway.admin, 'signalbox_audit_store_faults_total'))].map(([labels, count]) => [
        /kind="(\w+)"/.exec(labels)?.[1],
        count,
      ]),
    )
    const lost = (await metric(gateway.admin, 'signalbox_audit_rows_lost_total')).get('') ?? 0
    await gateway.end('SIGTERM')
    const kept = store()
    const runs = new Set<string>()
    let after: string | undefined
    do {
      const page = value(await auditRows(kept, { about: 'call', tool: 'up/note' }, { order: 'oldest', most: 5_000, after }))
      for (const { run } of page.rows) runs.add(run ?? '')
      after = page.next
    } while (after !== undefined)
    const verdict = value(await verifyAudit(kept))
    await kept.close()
    return {
      answered: answers.size,
      missing: [...answers].filter((run) => !runs.has(run)).length,
      faults: [...new Set(faults)],
      verdict,
      counted,
      lost,
      log: gateway.log(),
    }
  } finally {
    await gateway.end('SIGKILL')
    await server.close()
  }
}

function kindOf(message: Result): string {
  return message.result?._meta?.['signalbox.dev/fault']?.kind ?? message.error?.data?.['signalbox.dev/fault']?.kind ?? 'another answer'
}
