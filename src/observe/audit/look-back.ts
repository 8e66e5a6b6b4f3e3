// Reading the audit: what somebody or some tool did between two times, and whether the chains are whole.
import type { Stored } from '../../core/ports/durable.ts'
import type { AuditStore, Batch } from './audit-store.ts'
import { genesis, linked } from './chain.ts'
import { type AuditRow, decodeBatch } from './row.ts'

export interface AuditQuestion {
  readonly fromMs: number
  readonly toMs: number
  /** Subject. */
  readonly principal?: string | undefined
  /** `server` or `server/name`. */
  readonly tool?: string | undefined
  /** Id of a run; two subjects may have one of the same id. */
  readonly run?: string | undefined
  readonly allowed?: boolean | undefined
  /** What was decided: `access`, `operation`, … */
  readonly about?: string | undefined
  /** Most rows: the newest of them. */
  readonly most: number
}

const pageBatches = 64

/** In the order of time, the newest `most`. */
export async function queryAudit(store: AuditStore, question: AuditQuestion): Promise<Stored<readonly AuditRow[]>> {
  let found: AuditRow[] = []
  let after: Batch | undefined
  for (;;) {
    const page = await store.page(question.fromMs, question.toMs, after, pageBatches)
    if (!page.ok) return page
    for (const batch of page.value) {
      for (const row of decodeBatch(batch.chain, batch.text)) {
        if (row !== undefined && fits(row, question)) found.push(row)
      }
    }
    if (found.length > 2 * question.most) found = newest(found, question.most)
    after = page.value.at(-1)
    if (page.value.length < pageBatches) return { ok: true, value: newest(found, question.most) }
  }
}

function newest(rows: AuditRow[], most: number): AuditRow[] {
  return rows.sort((a, b) => a.at - b.at || a.seq - b.seq).slice(-most)
}

function fits(row: AuditRow, { fromMs, toMs, principal, tool, run, allowed, about }: AuditQuestion): boolean {
  if (row.at < fromMs || row.at > toMs) return false
  if (principal !== undefined && row.subject !== principal) return false
  if (run !== undefined && row.run !== run) return false
  if (about !== undefined && row.about !== about) return false
  if (allowed !== undefined && row.allowed !== allowed) return false
  return tool === undefined || row.upstream === tool || `${row.upstream}/${row.item}` === tool
}

export interface ChainVerdict {
  readonly chain: string
  /** Number of the first row that is kept: above 0 where older ones were removed for their age. */
  readonly first: number
  readonly rows: number
  /** Of the last row. */
  readonly hash: string
  /** Where the chain is broken, and how. */
  readonly broken: { readonly seq: number; readonly why: string } | undefined
}

/** Walks every chain from its first row that is kept. */
export async function verifyAudit(store: AuditStore): Promise<Stored<readonly ChainVerdict[]>> {
  const chains = await store.chains()
  if (!chains.ok) return chains
  const verdicts: ChainVerdict[] = []
  for (const chain of chains.value) {
    const verdict = await verifyChain(store, chain)
    if (!verdict.ok) return verdict
    verdicts.push(verdict.value)
  }
  return { ok: true, value: verdicts }
}

async function verifyChain(store: AuditStore, chain: string): Promise<Stored<ChainVerdict>> {
  let next: number | undefined
  let first = 0
  let hash = genesis
  let rows = 0
  const broken = (seq: number, why: string): Stored<ChainVerdict> => ({
    ok: true,
    value: { chain, first, rows, hash, broken: { seq, why } },
  })
  for (;;) {
    const page = await store.ofChain(chain, next ?? 0, pageBatches)
    if (!page.ok) return page
    for (const batch of page.value) {
      if (next === undefined) {
        first = batch.first
        hash = batch.prev
        if (first === 0 && hash !== genesis) return broken(0, 'the first row does not begin a chain')
      } else if (batch.first !== next) return broken(next, `rows ${next} to ${batch.first - 1} are missing`)
      if (batch.prev !== hash) return broken(batch.first, 'it does not follow from the row before')
      const own = decodeBatch(chain, batch.text)
      const wrong = own.findIndex((row, at) => row?.seq !== batch.first + at)
      if (wrong >= 0) return broken(batch.first + wrong, 'the row is not the one of its number')
      if (linked(hash, batch.text) !== batch.hash)
        return broken(batch.first, `a row of ${batch.first} to ${batch.first + own.length - 1} was changed`)
      hash = batch.hash
      next = batch.first + own.length
      rows += own.length
    }
    if (page.value.length < pageBatches) return { ok: true, value: { chain, first, rows, hash, broken: undefined } }
  }
}
