// The contracts of tools in the durable store: what is stood for of each tool and what its server says now, and every contract that was seen
// of it, with its text. The tables, and the one file that knows them. Written behind.
import type { ContractState, Digests, Judgement } from '../../core/call/contract.ts'
import type { UpstreamId } from '../../core/call/item.ts'
import { payload } from '../../core/call/payload.ts'
import { defaultTenant } from '../../core/call/tenant-key.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Cell, Domain, Durable, Row, Stored, Transaction } from '../../core/ports/durable.ts'
import { PendingWrites } from '../../core/ports/pending-writes.ts'
import type { Report } from '../../core/ports/report.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { asBuffer } from '../../core/protocol/scan.ts'
import type { ContractText } from './contract-text.ts'
import type { GivenTranslation } from './translations.ts'
import type { Approval, OpenChange } from './weighed.ts'

export const contractsDomain: Domain = {
  name: 'tool_contracts',
  migrations: [
    {
      what: 'contracts of tools: what is stood for, and what was seen',
      statements: [
        `CREATE TABLE tool_states (
           tenant TEXT NOT NULL, upstream TEXT NOT NULL, environment TEXT NOT NULL, tool TEXT NOT NULL,
           state TEXT NOT NULL, approved BYTEA, live BYTEA NOT NULL, digests TEXT NOT NULL, approval TEXT, change TEXT,
           rejected TEXT NOT NULL, lock_id TEXT, first_seen_ms BIGINT NOT NULL, last_seen_ms BIGINT NOT NULL,
           PRIMARY KEY (tenant, upstream, environment, tool))`,
        `CREATE TABLE tool_contracts (
           tenant TEXT NOT NULL, upstream TEXT NOT NULL, environment TEXT NOT NULL, tool TEXT NOT NULL, contract_id TEXT NOT NULL,
           digests TEXT NOT NULL, definition BYTEA NOT NULL, state TEXT NOT NULL, approval TEXT, judgement TEXT,
           first_seen_ms BIGINT NOT NULL, last_seen_ms BIGINT NOT NULL,
           PRIMARY KEY (tenant, upstream, environment, tool, contract_id))`,
      ],
    },
    { what: 'translations of calls that somebody put into force', statements: ['ALTER TABLE tool_states ADD COLUMN translations TEXT'] },
  ],
}

/** Servers are the gateway's and not a tenant's, as long as one configuration serves all. */
const tenant = defaultTenant

/** Whose contracts these are. */
export interface ToolKey {
  readonly upstream: UpstreamId
  readonly environment: string
  readonly tool: string
}

/** One tool as it is kept. */
export interface KeptTool extends ToolKey {
  readonly state: ContractState
  readonly approved: ContractText | undefined
  readonly live: ContractText
  readonly approval: Approval | undefined
  readonly change: OpenChange | undefined
  readonly rejected: readonly string[]
  readonly lock: string | undefined
  readonly translations: readonly GivenTranslation[]
  readonly firstSeenMs: number
  readonly lastSeenMs: number
}

/** A contract that was seen of a tool. */
export interface SeenContract extends ToolKey {
  readonly id: string
  readonly digests: Digests
  readonly definition: Uint8Array
  /** What became of it. */
  readonly state: ContractState
  readonly approval: Approval | undefined
  /** Against what was stood for when it was seen; undefined of the first. */
  readonly judgement: Pick<Judgement, 'verdict' | 'changes' | 'human' | 'example'> | undefined
  readonly firstSeenMs: number
  readonly lastSeenMs: number
}

export interface History {
  /** Everything that is stood for. Never rejects: what cannot be read is not known, and that is told. */
  load(): Promise<readonly KeptTool[]>
  /** Resolves when it was tried; what could not be written is tried again. */
  keep(tool: KeptTool): Promise<void>
  note(seen: SeenContract): void
  forget(key: ToolKey): void
  /** The latest first; undefined where the store cannot be read. */
  contracts(key: ToolKey): Promise<readonly SeenContract[] | undefined>
}

/** Contracts that are kept of one tool, the latest. */
const mostOfTool = 32
/** Tools that are read at the start, those seen last. */
const mostTools = 100_000
const mostWaiting = 50_000
/** Characters of a list of changes. */
const longestChanges = 65_536

type Write =
  | { readonly kind: 'tool'; readonly row: KeptTool }
  | { readonly kind: 'seen'; readonly row: SeenContract }
  | { readonly kind: 'forget'; readonly row: ToolKey }

export function createHistory(durable: Durable, clock: Clock, report: Report): History {
  return new Kept(durable, clock, report)
}

class Kept implements History {
  private readonly durable: Durable
  private readonly report: Report
  private readonly writes: PendingWrites<Write>

  constructor(durable: Durable, clock: Clock, report: Report) {
    this.durable = durable
    this.report = report
    const { log } = report
    const failed = 'The contract of a tool could not be kept'
    this.writes = new PendingWrites({ clock, log, failed, most: mostWaiting, write: (batch) => this.write([...batch.values()]) })
  }

  async load(): Promise<readonly KeptTool[]> {
    const found = await this.durable.read((reader) =>
      reader.all('SELECT * FROM tool_states WHERE tenant = ? ORDER BY last_seen_ms DESC LIMIT ?', [tenant, mostTools]),
    )
    if (found.ok) return found.value.flatMap((row) => toolOf(row) ?? [])
    this.report.log('warn', 'What was stood for of tools is not known from before the start', { reason: found.fault.message })
    return []
  }

  keep(row: KeptTool): Promise<void> {
    return this.writes.add(keyOf('tool', row), { kind: 'tool', row })
  }

  note(row: SeenContract): void {
    this.behind(keyOf('seen', row, row.id), { kind: 'seen', row })
  }

  forget(row: ToolKey): void {
    this.behind(keyOf('tool', row), { kind: 'forget', row })
  }

  async contracts(key: ToolKey): Promise<readonly SeenContract[] | undefined> {
    const found = await this.durable.read((reader) =>
      reader.all(`SELECT * FROM tool_contracts WHERE ${ofTool} ORDER BY last_seen_ms DESC, first_seen_ms DESC LIMIT ?`, [
        ...place(key),
        mostOfTool,
      ]),
    )
    return found.ok ? found.value.flatMap((row) => seenOf(row) ?? []) : undefined
  }

  private behind(key: string, write: Write): void {
    this.writes.add(key, write).catch((error: unknown) => {
      this.report.log('error', 'The contract of a tool could not be kept', { error: String(error) })
    })
  }

  private write(writes: readonly Write[]): Promise<Stored<unknown>> {
    return this.durable.transact(async (transaction) => {
      const tools = writes.flatMap((one) => (one.kind === 'tool' ? [one.row] : []))
      const seen = writes.flatMap((one) => (one.kind === 'seen' ? [one.row] : []))
      const forgotten = writes.flatMap((one) => (one.kind === 'forget' ? [one.row] : []))
      await writeTools(transaction, tools)
      await writeSeen(transaction, seen)
      if (forgotten.length === 0) return
      await transaction.runEach(`DELETE FROM tool_states WHERE ${ofTool}`, forgotten.map(place))
      await transaction.runEach(`DELETE FROM tool_contracts WHERE ${ofTool}`, forgotten.map(place))
    })
  }
}

const ofTool = 'tenant = ? AND upstream = ? AND environment = ? AND tool = ?'

function place({ upstream, environment, tool }: ToolKey): Cell[] {
  return [tenant, upstream, environment, tool]
}

function keyOf(kind: string, { upstream, environment, tool }: ToolKey, ...more: readonly string[]): string {
  return JSON.stringify([kind, upstream, environment, tool, ...more])
}

async function writeTools(transaction: Transaction, tools: readonly KeptTool[]): Promise<void> {
  if (tools.length === 0) return
  await transaction.runEach(
    `INSERT INTO tool_states (tenant, upstream, environment, tool, state, approved, live, digests, approval, change, rejected, lock_id,
       translations, first_seen_ms, last_seen_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (tenant, upstream, environment, tool) DO UPDATE SET state = excluded.state, approved = excluded.approved,
       live = excluded.live, digests = excluded.digests, approval = excluded.approval, change = excluded.change,
       rejected = excluded.rejected, lock_id = excluded.lock_id, translations = excluded.translations, last_seen_ms = excluded.last_seen_ms`,
    tools.map((one) => [
      ...place(one),
      one.state,
      one.approved?.sent.bytes ?? null,
      one.live.sent.bytes,
      JSON.stringify({ approved: one.approved?.digests, live: one.live.digests }),
      textOf(one.approval),
      textOf(one.change === undefined ? undefined : keptChange(one.change)),
      JSON.stringify(one.rejected),
      one.lock ?? null,
      one.translations.length === 0 ? null : JSON.stringify(one.translations),
      one.firstSeenMs,
      one.lastSeenMs,
    ]),
  )
}

async function writeSeen(transaction: Transaction, seen: readonly SeenContract[]): Promise<void> {
  if (seen.length === 0) return
  await transaction.runEach(
    `INSERT INTO tool_contracts (tenant, upstream, environment, tool, contract_id, digests, definition, state, approval, judgement,
       first_seen_ms, last_seen_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (tenant, upstream, environment, tool, contract_id) DO UPDATE SET state = excluded.state, approval = excluded.approval,
       definition = excluded.definition, digests = excluded.digests, last_seen_ms = excluded.last_seen_ms`,
    seen.map((one) => [
      ...place(one),
      one.id,
      JSON.stringify(one.digests),
      one.definition,
      one.state,
      textOf(one.approval),
      textOf(one.judgement === undefined ? undefined : bounded(one.judgement)),
      one.firstSeenMs,
      one.lastSeenMs,
    ]),
  )
  const tools = new Map(seen.map((one) => [keyOf('', one), one]))
  await transaction.runEach(
    `DELETE FROM tool_contracts WHERE ${ofTool} AND contract_id NOT IN (
       SELECT contract_id FROM tool_contracts WHERE ${ofTool} ORDER BY last_seen_ms DESC, first_seen_ms DESC LIMIT ${mostOfTool})`,
    [...tools.values()].map((one) => [...place(one), ...place(one)]),
  )
}

function textOf(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value)
}

function keptChange({ over, ...change }: OpenChange): object {
  const before = over === undefined ? {} : { over: { sent: asBuffer(over.sent.bytes).toString('utf8'), digests: over.digests } }
  return { ...change, ...before, judgement: bounded(change.judgement) }
}

/** Rows of before there were rules have none. */
function changeOf(kept: unknown): OpenChange | undefined {
  if (!isObject(kept)) return undefined
  const { over, accepted = [], rules = '', ...change } = kept
  const before = isObject(over) && typeof over.sent === 'string' ? { over: { ...over, sent: payload(Buffer.from(over.sent)) } } : {}
  return { ...change, accepted, rules, ...before } as OpenChange
}

/** The first of the changes, if all would be too much. */
function bounded<J extends Pick<Judgement, 'changes'>>(judgement: J): J {
  if (JSON.stringify(judgement).length <= longestChanges) return judgement
  const changes = judgement.changes.slice(0, 20).map(({ kind, side, pointer, verdict, human }) => ({
    kind,
    side,
    pointer: pointer.slice(0, 500),
    verdict,
    human: human.slice(0, 500),
  }))
  return { ...judgement, changes, example: undefined }
}

function toolOf(row: Row): KeptTool | undefined {
  const digests = parsed(row.digests)
  if (!(row.live instanceof Uint8Array) || !isObject(digests)) return undefined
  const text = (bytes: Uint8Array, of: unknown): ContractText => ({ sent: payload(bytes), digests: of as Digests | undefined })
  return {
    ...keyIn(row),
    state: row.state as ContractState,
    approved: row.approved instanceof Uint8Array ? text(row.approved, digests.approved) : undefined,
    live: text(row.live, digests.live),
    approval: parsed(row.approval) as Approval | undefined,
    change: changeOf(parsed(row.change)),
    rejected: (parsed(row.rejected) as readonly string[] | undefined) ?? [],
    lock: typeof row.lock_id === 'string' ? row.lock_id : undefined,
    translations: (parsed(row.translations) as readonly GivenTranslation[] | undefined) ?? [],
    firstSeenMs: Number(row.first_seen_ms),
    lastSeenMs: Number(row.last_seen_ms),
  }
}

function seenOf(row: Row): SeenContract | undefined {
  if (!(row.definition instanceof Uint8Array)) return undefined
  return {
    ...keyIn(row),
    id: String(row.contract_id),
    digests: parsed(row.digests) as Digests,
    definition: row.definition,
    state: row.state as ContractState,
    approval: parsed(row.approval) as Approval | undefined,
    judgement: parsed(row.judgement) as SeenContract['judgement'],
    firstSeenMs: Number(row.first_seen_ms),
    lastSeenMs: Number(row.last_seen_ms),
  }
}

function keyIn(row: Row): ToolKey {
  return { upstream: String(row.upstream), environment: String(row.environment), tool: String(row.tool) }
}

/** Undefined of what is damaged. */
function parsed(cell: Cell | undefined): unknown {
  try {
    return typeof cell === 'string' ? JSON.parse(cell) : undefined
  } catch {
    return undefined
  }
}
