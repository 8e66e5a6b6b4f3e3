// Whether the audit is as it was written. The chain shows what was changed within it; anchors that are kept elsewhere show that its end was cut
// off, that a whole chain is missing, or that one was made anew. What rows are found by is held against the rows.
import { hash as digest } from 'node:crypto'
import { hashLines } from '../../core/audit/hash-lines.ts'
import type { AuditRead, ChainHead } from '../../core/ports/audit-store.ts'
import type { Row, Stored } from '../../core/ports/durable.ts'
import { type Anchor, anchorText, beginning, checkpointText } from './chain.ts'
import { IndexCheck } from './index-check.ts'
import { bytesOf, rowsOf, textOfLines } from './read.ts'

export interface Broken {
  readonly chain: string
  readonly seq: number
  readonly why: string
}

export interface ChainVerdict {
  readonly chain: string
  /** Number of the first row that is kept: above 0 where older ones were removed for their age. */
  readonly first: number
  readonly rows: number
  /** Of the last row. */
  readonly hash: string
  /** The gateway that wrote it has ended and said so. */
  readonly ended: boolean
}

export interface AuditVerdict {
  readonly verdict: 'whole' | 'broken'
  readonly chains: readonly ChainVerdict[]
  readonly broken: readonly Broken[]
  /** Anchors that were given and are right. */
  readonly anchors: number
  /** What could not be checked, for people. */
  readonly unchecked: readonly string[]
}

export interface VerifyOptions {
  /** Of files outside of the store. */
  readonly anchors?: readonly Anchor[] | undefined
  /** Of the key that signs anchors and checkpoints; undefined: signatures are not checked. */
  readonly verifier?: { readonly id: string; verify(text: string, signature: string): boolean } | undefined
}

export async function verifyAudit(store: AuditRead, options: VerifyOptions = {}): Promise<Stored<AuditVerdict>> {
  return new Verification(store, options).run()
}

interface Kept {
  readonly seq: number
  readonly hash: string
  readonly atMs: number
  readonly key: string
  readonly signature: string
}

/** What somebody saw of a chain. */
interface Seen extends ChainHead {
  readonly by: string
}

const pageBatches = 32

class Verification {
  private readonly store: AuditRead
  private readonly options: VerifyOptions
  private readonly broken: Broken[] = []
  private readonly unchecked: string[] = []
  private readonly chains: ChainVerdict[] = []
  private readonly seen: Seen[] = []
  private readonly checkpoints = new Map<string, Kept>()
  private anchors = 0

  constructor(store: AuditRead, options: VerifyOptions) {
    this.store = store
    this.options = options
  }

  async run(): Promise<Stored<AuditVerdict>> {
    this.takeAnchors()
    const begun = await IndexCheck.begin(this.store)
    if (!begun.ok) return begun
    const index = begun.value
    const listed = await this.store.read([
      ["SELECT DISTINCT chain FROM audit_chain_batches WHERE tenant = '' ORDER BY chain", []],
      ["SELECT * FROM audit_checkpoints WHERE tenant = ''", []],
    ])
    if (!listed.ok) return listed
    for (const row of listed.value[1] ?? []) this.takeCheckpoint(row)
    const heads = new Map<string, Map<number, string>>()
    for (const { chain } of listed.value[0] ?? []) {
      const read = await this.walk(String(chain), index, heads)
      if (!read.ok) return read
    }
    this.checkSeen(heads)
    const compared = await index.compare(this.store)
    if (!compared.ok) return compared
    for (const why of compared.value) this.broken.push({ chain: '', seq: 0, why })
    const { chains, broken, anchors, unchecked } = this
    return { ok: true, value: { verdict: broken.length === 0 ? 'whole' : 'broken', chains, broken, anchors, unchecked } }
  }

  private takeAnchors(): void {
    const { anchors, verifier } = this.options
    if (anchors === undefined) {
      this.unchecked.push('Without anchors it does not show whether the end of a chain was cut off, or all of a chain made anew.')
      return
    }
    for (const anchor of anchors) {
      const { chain, seq, hash, key, signature, atMs } = anchor
      if (verifier === undefined || verifier.id !== key) {
        this.unchecked.push(`The anchor of row ${seq} of ${chain} is signed by the key ${key}, which is not at hand.`)
        continue
      }
      if (verifier.verify(anchorText(anchor, atMs), signature)) {
        this.seen.push({ chain, seq, hash, by: 'an anchor' })
        this.anchors += 1
      } else this.broken.push({ chain, seq, why: 'the signature of its anchor is wrong: somebody has changed the anchor' })
    }
  }

  private takeCheckpoint(row: Row): void {
    const chain = String(row.chain)
    const kept = {
      seq: Number(row.seq),
      hash: String(row.hash),
      atMs: Number(row.at_ms),
      key: String(row.key_id),
      signature: String(row.signature),
    }
    const { verifier } = this.options
    if (verifier?.id !== kept.key) {
      this.unchecked.push(`The checkpoint of ${chain} is signed by the key ${kept.key}, which is not at hand.`)
    } else if (!verifier.verify(checkpointText({ chain, ...kept }, kept.atMs), kept.signature)) {
      this.broken.push({ chain, seq: kept.seq, why: 'the signature of its checkpoint is wrong: older rows were not removed by a gateway' })
      return
    }
    this.checkpoints.set(chain, kept)
  }

  private async walk(chain: string, index: IndexCheck, heads: Map<string, Map<number, string>>): Promise<Stored<undefined>> {
    const checkpoint = this.checkpoints.get(chain)
    const wanted = new Set(this.seen.filter((one) => one.chain === chain).map(({ seq }) => seq))
    const hashes = new Map<number, string>()
    heads.set(chain, hashes)
    let next = checkpoint === undefined ? 0 : checkpoint.seq + 1
    const first = next
    let hash = checkpoint?.hash ?? beginning(chain)
    let rows = 0
    let ended = false
    const give = (): Stored<undefined> => {
      this.chains.push({ chain, first, rows, hash, ended })
      if (next > 0) hashes.set(next - 1, hash)
      return { ok: true, value: undefined }
    }
    for (let from = first; ; from = next) {
      const sql = `SELECT chain, first, row_count, at_ms, at_min_ms, lines, prev, hashes FROM audit_chain_batches
                   WHERE tenant = '' AND chain = ? AND first >= ? ORDER BY first LIMIT ${pageBatches}`
      const page = await this.store.read([[sql, [chain, from]]])
      if (!page.ok) return page
      const batches = page.value[0] ?? []
      for (const batch of batches) {
        const wrong = wrongIn(batch, next, hash)
        // What follows is judged by itself, so that one place does not hide the others.
        if (wrong !== undefined) this.broken.push({ chain, ...wrong })
        index.add(batch)
        const own = Buffer.from(bytesOf(batch.hashes))
        const count = Math.floor(own.length / 32)
        for (const { row } of rowsOf(batch, '"start"')) if (row?.about === 'start') this.takeHeads(row.reason, row.chain, row.seq)
        ended = textOfLines(batch).includes('"stop"') && rowsOf(batch).some(({ row }) => row?.about === 'stop')
        const begin = Number(batch.first)
        for (const seq of wanted)
          if (seq >= begin && seq < begin + count) hashes.set(seq, own.toString('hex', (seq - begin) * 32, (seq - begin) * 32 + 32))
        next = begin + count
        rows += count
        hash = own.toString('hex', own.length - 32)
      }
      if (batches.length < pageBatches) return give()
    }
  }

  /** The first row of a chain says what the others were then. */
  private takeHeads(reason: string | null, by: string, seq: number): void {
    try {
      const told: unknown = JSON.parse(reason ?? '')
      const heads = (told as { heads?: unknown } | null)?.heads
      for (const head of Array.isArray(heads) ? heads : []) {
        const [chain, at, hash] = head as readonly [unknown, unknown, unknown]
        if (typeof chain === 'string' && typeof at === 'number' && typeof hash === 'string')
          this.seen.push({ chain, seq: at, hash, by: `row ${seq} of ${by}` })
      }
    } catch {
      this.broken.push({ chain: by, seq, why: 'the first row does not say which chains there were' })
    }
  }

  private checkSeen(heads: ReadonlyMap<string, ReadonlyMap<number, string>>): void {
    for (const { chain, seq, hash, by } of this.seen) {
      if (seq <= (this.checkpoints.get(chain)?.seq ?? -1)) continue
      const verdict = this.chains.find((one) => one.chain === chain)
      const last = verdict === undefined ? -1 : verdict.first + verdict.rows - 1
      const is = heads.get(chain)?.get(seq)
      if (verdict === undefined) this.broken.push({ chain, seq, why: `the whole chain is missing, of which ${by} tells` })
      else if (seq > last) this.broken.push({ chain, seq: last + 1, why: `the end is missing: ${by} tells of row ${seq}` })
      else if (is !== undefined && is !== hash)
        this.broken.push({ chain, seq, why: `the chain was made anew: it is not the row that ${by} tells of` })
    }
  }
}

/** What is wrong with a batch that should begin with row `next`, after `before`. */
function wrongIn(batch: Row, next: number, before: string): { seq: number; why: string } | undefined {
  const first = Number(batch.first)
  if (first > next) return { seq: next, why: first - next === 1 ? 'the row is missing' : `rows ${next} to ${first - 1} are missing` }
  if (first < next) return { seq: first, why: 'the row is there a second time' }
  if (String(batch.prev) !== before) return { seq: first, why: 'it does not follow from the row before: one of the two was made anew' }
  const lines = bytesOf(batch.lines)
  const text = textOfLines(batch).split('\n')
  const hashes = Buffer.from(bytesOf(batch.hashes))
  const count = Number(batch.row_count)
  const expected = Buffer.from(hashLines(digest, Buffer.from(before, 'hex'), lines, text.length))
  if (expected.equals(hashes)) return text.length === count ? undefined : { seq: first, why: 'the number of its rows was changed' }
  let at = 0
  while (at * 32 < Math.min(expected.length, hashes.length) && sameAt(expected, hashes, at)) at += 1
  const seq = first + at
  const stored = hashes.length / 32
  if (text.length < stored) return { seq, why: 'a row was taken out here' }
  if (text.length > stored)
    return { seq, why: text.indexOf(text[at] ?? '') < at ? 'a copy of another row was put in here' : 'a row was put in here' }
  const prior = at === 0 ? Buffer.from(before, 'hex') : hashes.subarray(at * 32 - 32, at * 32)
  const moved = text.findIndex(
    (line, n) => n > at && hashLines(digest, prior, Buffer.from(line), 1).every((byte, i) => byte === hashes[at * 32 + i]),
  )
  if (moved > at) return { seq, why: `rows ${seq} and ${first + moved} changed places` }
  if (text.indexOf(text[at] ?? '') !== at || text.lastIndexOf(text[at] ?? '') !== at)
    return { seq, why: 'a copy of another row stands in its place' }
  return { seq, why: 'the row was changed' }
}

function sameAt(a: Buffer, b: Buffer, row: number): boolean {
  return a.compare(b, row * 32, row * 32 + 32, row * 32, row * 32 + 32) === 0
}
