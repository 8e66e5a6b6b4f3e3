// The end of tools as operators planned it while the gateway runs, in the durable store: the table, and the one file that knows it. Read once
// at the start; gateways that share a store know of each other's plans at their next start.
import type { Deprecation } from '../../core/call/deprecation.ts'
import { defaultTenant } from '../../core/call/tenant-key.ts'
import type { Deprecations } from '../../core/ports/deprecations.ts'
import type { Domain, Durable } from '../../core/ports/durable.ts'
import type { Report } from '../../core/ports/report.ts'

export const deprecationsDomain: Domain = {
  name: 'tool_deprecations',
  migrations: [
    {
      what: 'the end of tools as operators planned it',
      statements: [
        `CREATE TABLE tool_deprecations (
           tenant TEXT NOT NULL, upstream TEXT NOT NULL, tool TEXT NOT NULL,
           from_ms BIGINT NOT NULL, sunset_ms BIGINT, replacement TEXT, PRIMARY KEY (tenant, upstream, tool))`,
      ],
    },
  ],
}

/** Plans of all servers together. */
const most = 10_000

export class Plans implements Deprecations {
  private readonly durable: Durable
  private readonly report: Report
  private readonly plans = new Map<string, Map<string, Deprecation>>()
  private readonly listeners = new Set<(upstream: string) => void>()

  constructor(durable: Durable, report: Report) {
    this.durable = durable
    this.report = report
  }

  /** Never rejects: what cannot be read is planned no more until the next start, and the store tells of it. */
  async start(): Promise<void> {
    const found = await this.durable.read((reader) =>
      reader.all('SELECT upstream, tool, from_ms, sunset_ms, replacement FROM tool_deprecations WHERE tenant = ? LIMIT ?', [
        defaultTenant,
        most,
      ]),
    )
    if (!found.ok) {
      this.report.log('warn', 'What operators planned for the end of tools is not known', { reason: found.fault.message })
      return
    }
    for (const row of found.value) {
      this.put(String(row.upstream), String(row.tool), {
        fromMs: Number(row.from_ms),
        sunsetMs: row.sunset_ms === null ? undefined : Number(row.sunset_ms),
        replacement: row.replacement === null ? undefined : String(row.replacement),
        brownouts: [],
      })
    }
    for (const upstream of this.plans.keys()) this.tell(upstream)
  }

  planOf(upstream: string, tool: string): Deprecation | undefined {
    return this.plans.get(upstream)?.get(tool)
  }

  onChange(listener: (upstream: string) => void): () => void {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }

  /** Holds once it is kept; of a store that takes nothing the reason. `plan` undefined: it is taken back. */
  async set(upstream: string, tool: string, plan: Deprecation | undefined): Promise<string | undefined> {
    const kept =
      plan === undefined
        ? await this.durable.run('DELETE FROM tool_deprecations WHERE tenant = ? AND upstream = ? AND tool = ?', [
            defaultTenant,
            upstream,
            tool,
          ])
        : await this.durable.run(
            `INSERT INTO tool_deprecations (tenant, upstream, tool, from_ms, sunset_ms, replacement) VALUES (?, ?, ?, ?, ?, ?)
             ON CONFLICT (tenant, upstream, tool)
             DO UPDATE SET from_ms = excluded.from_ms, sunset_ms = excluded.sunset_ms, replacement = excluded.replacement`,
            [defaultTenant, upstream, tool, plan.fromMs, plan.sunsetMs ?? null, plan.replacement ?? null],
          )
    if (!kept.ok) return kept.fault.message
    if (plan === undefined) this.plans.get(upstream)?.delete(tool)
    else this.put(upstream, tool, plan)
    this.tell(upstream)
    return undefined
  }

  private put(upstream: string, tool: string, plan: Deprecation): void {
    const plans = this.plans.get(upstream) ?? new Map<string, Deprecation>()
    this.plans.set(upstream, plans)
    plans.set(tool, plan)
  }

  private tell(upstream: string): void {
    for (const listener of this.listeners) listener(upstream)
  }
}
