// Who uses which version of which tool: by caller, client and day, in the durable store, for a little longer than an operator asks for. The
// table, and the one file that knows it. Calls are gathered in memory and written behind.
import type { Principal } from '../../core/call/principal.ts'
import type { CallRecord, Recorder } from '../../core/call/record.ts'
import { versionOf } from '../../core/call/tool-version.ts'
import { reportBug } from '../../core/ports/boundary.ts'
import type { Clock, Timer } from '../../core/ports/clock.ts'
import type { Cell, Domain, Durable, Row } from '../../core/ports/durable.ts'
import type { Report } from '../../core/ports/report.ts'
import { dayMs } from '../../core/text/duration.ts'

export const toolUsageDomain: Domain = {
  name: 'tool_usage',
  migrations: [
    {
      what: 'calls of tools by caller, client and day',
      statements: [
        `CREATE TABLE tool_usage (
           tenant TEXT NOT NULL, upstream TEXT NOT NULL, tool TEXT NOT NULL, family TEXT NOT NULL, issuer TEXT NOT NULL, subject TEXT NOT NULL,
           client TEXT NOT NULL, day BIGINT NOT NULL, calls BIGINT NOT NULL, last_ms BIGINT NOT NULL,
           PRIMARY KEY (tenant, upstream, tool, issuer, subject, client, day))`,
        'CREATE INDEX tool_usage_by_tool ON tool_usage (upstream, family, day)',
        'CREATE INDEX tool_usage_by_day ON tool_usage (day)',
      ],
    },
  ],
}

/** What is looked back at, in days: removal waits until nobody has called for so long. */
export const usageDays = 14

/** How long calls are gathered, in ms. */
const gatherMs = 10_000
/** Entries that are gathered, or wait for the store. */
const most = 20_000
/** Rows of one answer, the latest. */
const mostShown = 1_000
const longestClient = 128

/** Of one caller with one client. */
export interface ToolUse {
  readonly tool: string
  /** Undefined of a tool that is not versioned by its name. */
  readonly version: number | undefined
  readonly tenant: string
  readonly issuer: string
  readonly subject: string
  /** As it names itself; '' where it does not. */
  readonly client: string
  readonly calls: number
  readonly lastMs: number
}

interface Use {
  calls: number
  lastMs: number
}

type ByClient = Map<string, Use>
type ByPrincipal = Map<Principal, ByClient>

export class ToolUsage {
  private readonly durable: Durable
  private readonly clock: Clock
  private readonly report: Report
  private gathered = new Map<string, Map<string, ByPrincipal>>()
  private count = 0
  private timer: Timer | undefined
  private writing: Promise<void> = Promise.resolve()
  private ended = false
  /** What the store did not take, for the next time. */
  private waiting: Cell[][] = []
  private lostAtMs: number | undefined
  /** Something was lost since the store took the last. */
  private losing = false

  constructor(durable: Durable, clock: Clock, report: Report) {
    this.durable = durable
    this.clock = clock
    this.report = report
  }

  /** The recorder; what it records is counted here as well. */
  counting(recorder: Recorder): Recorder {
    return {
      record: (record) => {
        recorder.record(record)
        this.note(record)
      },
      bug: (call, error) => recorder.bug(call, error),
    }
  }

  /** Calls that went to the server; what was refused before is no use of it. */
  note({ method, upstream, item, attempts, atMs, caller }: CallRecord): void {
    const { principal, client } = caller
    if (method !== 'tools/call' || attempts === 0 || upstream === undefined || item === undefined || principal === undefined) return
    const name = client?.name ?? ''
    const known = this.gathered.get(upstream)?.get(item)?.get(principal)?.get(name)
    if (known === undefined) this.begin(upstream, item, principal, name, atMs)
    else {
      known.calls += 1
      known.lastMs = atMs
    }
  }

  /** Calls of a tool, or of all versions of a family, within the last days; undefined where the store cannot say. */
  async of(upstream: string, name: string): Promise<readonly ToolUse[] | undefined> {
    await this.flush()
    const from = Math.floor((this.clock.now() - usageDays * dayMs) / dayMs)
    const found = await this.durable.read((reader) =>
      reader.all(
        `SELECT tenant, tool, issuer, subject, client, SUM(calls) AS calls, MAX(last_ms) AS last_ms FROM tool_usage
         WHERE upstream = ? AND family = ? AND day >= ? GROUP BY tenant, tool, issuer, subject, client ORDER BY last_ms DESC LIMIT ?`,
        [upstream, familyOf(name), from, mostShown],
      ),
    )
    if (!found.ok) return undefined
    // A version by its own name is one of its family.
    return found.value.map(useOf).filter(({ tool }) => tool === name || versionOf(name) === undefined)
  }

  /** Calls of the last days were counted for nobody, as far as this gateway knows: of tools without callers it cannot be said that there are none. */
  get isIncomplete(): boolean {
    return this.lostAtMs !== undefined && this.clock.now() - this.lostAtMs < usageDays * dayMs
  }

  /** Writes what is gathered; before the durable store closes. */
  async end(): Promise<void> {
    this.ended = true
    this.timer?.cancel()
    await this.flush()
  }

  private begin(upstream: string, item: string, principal: Principal, client: string, atMs: number): void {
    if (this.count >= most) {
      this.lose(1, 'more callers, clients and tools than memory is for')
      return
    }
    this.count += 1
    const tools = this.gathered.get(upstream) ?? new Map<string, ByPrincipal>()
    this.gathered.set(upstream, tools)
    const principals = tools.get(item) ?? new Map<Principal, ByClient>()
    tools.set(item, principals)
    const clients = principals.get(principal) ?? new Map<string, Use>()
    principals.set(principal, clients)
    clients.set(client, { calls: 1, lastMs: atMs })
    this.later()
  }

  private later(): void {
    if (this.ended) return
    this.timer ??= this.clock.timer(gatherMs, () => {
      this.timer = undefined
      void this.flush()
    })
  }

  /** One after the other. */
  private flush(): Promise<void> {
    this.writing = this.writing.then(() => this.write()).catch((bug: unknown) => reportBug(this.report, 'tool_usage', bug))
    return this.writing
  }

  private async write(): Promise<void> {
    const rows = [...this.waiting, ...this.rows()]
    this.waiting = []
    this.gathered = new Map()
    this.count = 0
    if (rows.length === 0) return
    const oldest = Math.floor(this.clock.now() / dayMs) - usageDays - 1
    const work = this.durable.transact(async (transaction) => {
      await transaction.runEach(
        `INSERT INTO tool_usage (tenant, upstream, tool, family, issuer, subject, client, day, calls, last_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (tenant, upstream, tool, issuer, subject, client, day)
         DO UPDATE SET calls = tool_usage.calls + excluded.calls, last_ms = excluded.last_ms`,
        rows,
      )
      await transaction.run('DELETE FROM tool_usage WHERE day < ?', [oldest])
    })
    const kept = await work.catch((bug: unknown) => {
      this.lose(callsOf(rows), 'an internal error, see the log')
      throw bug
    })
    if (kept.ok) {
      this.losing = false
      return
    }
    const { kind, message } = kept.fault
    if (kind === 'conflict' || this.ended) {
      this.lose(callsOf(rows), message)
      return
    }
    // The store tells what is wrong with it; what was used waits for it.
    this.waiting = rows.slice(-most)
    this.lose(callsOf(rows.slice(0, -most)), 'the store was away for longer than memory lasts')
    this.later()
  }

  private lose(calls: number, reason: string): void {
    if (calls === 0) return
    this.lostAtMs = this.clock.now()
    this.report.counters.add('tool_usage_lost', {}, calls)
    if (this.losing) return
    this.losing = true
    this.report.log('warn', 'Who calls which version of a tool is not counted whole', { reason })
  }

  private rows(): Cell[][] {
    const rows: Cell[][] = []
    for (const [upstream, tools] of this.gathered) {
      for (const [tool, principals] of tools) {
        for (const [{ tenant, iss, sub }, clients] of principals) {
          for (const [client, { calls, lastMs }] of clients) {
            const named = client.slice(0, longestClient).replaceAll('\0', '')
            rows.push([tenant, upstream, tool, familyOf(tool), iss, sub, named, Math.floor(lastMs / dayMs), calls, lastMs])
          }
        }
      }
    }
    return rows
  }
}

/** As `rows` has them. */
function callsOf(rows: readonly Cell[][]): number {
  return rows.reduce((sum, row) => sum + Number(row[8]), 0)
}

function familyOf(tool: string): string {
  return versionOf(tool)?.family ?? tool
}

function useOf(row: Row): ToolUse {
  const tool = String(row.tool)
  return {
    tool,
    version: versionOf(tool)?.number,
    tenant: String(row.tenant),
    issuer: String(row.issuer),
    subject: String(row.subject),
    client: String(row.client),
    calls: Number(row.calls),
    lastMs: Number(row.last_ms),
  }
}
