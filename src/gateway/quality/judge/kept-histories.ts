// What is usual of tools, in the durable store, so that a restart forgets nothing of it: the table, and the one file that knows it. Written
// behind; a row that is none of ours is as if it were not there. Of gateways that share the store the last that wrote counts.
import { reportBug } from '../../../core/ports/boundary.ts'
import type { Clock, Timer } from '../../../core/ports/clock.ts'
import type { Cell, Domain, Durable, Row } from '../../../core/ports/durable.ts'
import type { Report } from '../../../core/ports/report.ts'
import { isObject } from '../../../core/protocol/is-object.ts'
import { dayMs } from '../../../core/text/duration.ts'
import { kinds } from '../history/index.ts'
import type { Episode, Episodes } from './episodes.ts'
import type { JudgedTool } from './judged-tool.ts'
import { type JudgedTools, mostTools } from './judged-tools.ts'

export const toolHistoriesDomain: Domain = {
  name: 'tool_histories',
  migrations: [
    {
      what: 'what is usual of the results of tools, and alerts that are open',
      statements: [
        `CREATE TABLE tool_histories (
           tenant TEXT NOT NULL, upstream TEXT NOT NULL, tool TEXT NOT NULL, state BYTEA NOT NULL,
           alerts TEXT NOT NULL, updated_ms BIGINT NOT NULL,
           PRIMARY KEY (tenant, upstream, tool))`,
        'CREATE INDEX tool_histories_by_time ON tool_histories (updated_ms)',
      ],
    },
  ],
}

const tenant = 'default'
/** How long results are gathered, in ms: what a crash forgets. */
const gatherMs = 30_000
/** Rows that are read at the start, the latest. */
const most = mostTools
/** A tool that was not called for longer is forgotten. */
const keptForMs = 180 * dayMs
const longestState = 16_384
const longestAlerts = 65_536
const longestName = 1_024

export interface KeptHistoriesParts {
  readonly durable: Durable
  readonly clock: Clock
  readonly report: Report
  readonly tools: JudgedTools
  readonly episodes: Episodes
}

export class KeptHistories {
  private readonly parts: KeptHistoriesParts
  private timer: Timer | undefined
  private writing: Promise<void> = Promise.resolve()
  private ended = false
  /** The store did not take the last. */
  private failing = false

  constructor(parts: KeptHistoriesParts) {
    this.parts = parts
  }

  /** Never rejects: what cannot be read is learned anew. */
  async start(): Promise<void> {
    const { durable, report } = this.parts
    const found = await durable.read((reader) =>
      reader.all('SELECT upstream, tool, state, alerts FROM tool_histories WHERE tenant = ? ORDER BY updated_ms DESC LIMIT ?', [
        tenant,
        most,
      ]),
    )
    if (found.ok) for (const row of found.value) this.restore(row)
    else report.log('warn', 'What is usual of the results of tools is not known from before the start', { reason: found.fault.message })
    this.later()
  }

  /** Writes what is not written yet, and ends. */
  async end(): Promise<void> {
    this.ended = true
    this.timer?.cancel()
    await this.flush()
  }

  private restore({ upstream, tool, state, alerts }: Row): void {
    if (typeof upstream !== 'string' || typeof tool !== 'string' || !(state instanceof Uint8Array)) return
    if (state.length > longestState || tool.length > longestName) return
    this.parts.tools.restore(upstream, tool, state)
    if (typeof alerts !== 'string' || alerts.length > longestAlerts) return
    for (const episode of episodesIn(alerts, upstream, tool)) this.parts.episodes.restore(episode)
  }

  private later(): void {
    if (this.ended) return
    this.timer = this.parts.clock.timer(gatherMs, () => {
      void this.flush()
      this.later()
    })
  }

  /** One after the other. */
  private flush(): Promise<void> {
    this.writing = this.writing.then(() => this.write()).catch((bug: unknown) => reportBug(this.parts.report, 'quality', bug))
    return this.writing
  }

  private async write(): Promise<void> {
    const { durable, clock, report, tools } = this.parts
    const written: [JudgedTool, number][] = []
    const rows: Cell[][] = []
    const now = clock.now()
    for (const tool of tools.all()) {
      if (tool.unkept === 0) continue
      const state = tools.save(tool)
      // SQL has no NUL in texts.
      if (state === undefined || tool.name.length > longestName || tool.name.includes('\0')) continue
      written.push([tool, tool.unkept])
      rows.push([tenant, tool.upstream, tool.name, state, this.alertsOf(tool), now])
    }
    if (rows.length === 0) return
    const kept = await durable.transact(async (transaction) => {
      await transaction.runEach(
        `INSERT INTO tool_histories (tenant, upstream, tool, state, alerts, updated_ms) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (tenant, upstream, tool) DO UPDATE SET state = excluded.state, alerts = excluded.alerts,
           updated_ms = excluded.updated_ms`,
        rows,
      )
      await transaction.run('DELETE FROM tool_histories WHERE updated_ms < ?', [now - keptForMs])
    })
    if (kept.ok) {
      this.failing = false
      for (const [tool, count] of written) tool.unkept -= count
      return
    }
    // What is in memory is whole: it is written the next time.
    if (!this.failing) report.log('warn', 'What is usual of the results of tools is not kept', { reason: kept.fault.message })
    this.failing = true
  }

  private alertsOf({ upstream, name }: JudgedTool): string {
    const text = JSON.stringify(this.parts.episodes.openOf(upstream, name))
    return text.length > longestAlerts ? '[]' : text.replaceAll('\\u0000', '')
  }
}

const mostOpen = 16

/** Open episodes of one tool, as they were kept. */
function episodesIn(text: string, upstream: string, tool: string): readonly Episode[] {
  let found: unknown
  try {
    found = JSON.parse(text)
  } catch {
    return []
  }
  if (!Array.isArray(found)) return []
  return found.slice(0, mostOpen).flatMap((one) => (isObject(one) ? (episodeIn(one, upstream, tool) ?? []) : []))
}

function episodeIn(one: Readonly<Record<string, unknown>>, upstream: string, tool: string): Episode | undefined {
  const { id, kind, severity, text, by, owner, firstCall, deploy, acknowledged, sinceMs, updatedMs, results, affected } = one
  if (!kinds.some((one) => one === kind) || typeof text !== 'string' || text.length > longestName) return undefined
  if (typeof id !== 'string' || !/^[0-9a-f]{12}$/.test(id)) return undefined
  if (![sinceMs, updatedMs, results, affected].every((value) => Number.isSafeInteger(value) && Number(value) >= 0)) return undefined
  const known =
    isObject(deploy) && typeof deploy.what === 'string' && Number.isSafeInteger(deploy.atMs)
      ? { what: deploy.what.slice(0, longestName), atMs: Number(deploy.atMs) }
      : undefined
  return {
    id,
    upstream,
    tool,
    owner: typeof owner === 'string' ? owner.slice(0, longestName) : undefined,
    kind: kind as Episode['kind'],
    severity: severity === 'info' ? 'info' : 'warn',
    by: by === 'fields' ? by : 'history',
    text,
    sinceMs: Number(sinceMs),
    updatedMs: Number(updatedMs),
    results: Number(results),
    affected: Number(affected),
    firstCall: typeof firstCall === 'string' ? firstCall.slice(0, longestName) : undefined,
    deploy: known,
    acknowledged: acknowledged === 'normal' || acknowledged === 'fault' ? acknowledged : undefined,
    closedMs: undefined,
  }
}
