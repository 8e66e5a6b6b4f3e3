// Anchors: what the last row of the chain is, signed and written where whoever can write the store cannot change it. Without them nobody can
// tell a chain whose end was cut off, or one that was made anew, from one that is whole.
import type { AuditSigner } from '../../core/ports/audit-signer.ts'
import type { ChainHead } from '../../core/ports/audit-store.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Report } from '../../core/ports/report.ts'
import { type Anchor, anchorText } from './chain.ts'
import type { Encoder } from './encode.ts'

/** Writes it where it is to be kept; what goes wrong is told there. Never rejects. */
export type AnchorOut = (anchor: Anchor) => Promise<void>

/** After so long, where there are new rows, in ms; after so many rows. */
export const anchorMs = 60_000
export const anchorRows = 10_000

export interface AnchoringParts {
  readonly clock: Clock
  readonly report: Report
  readonly encoder: Encoder
  readonly signer: AuditSigner
  readonly anchor: AnchorOut
  put(row: string, at: number): unknown
}

export class Anchoring {
  private readonly parts: AnchoringParts
  private atMono = Number.NEGATIVE_INFINITY
  private seq = -1

  constructor(parts: AnchoringParts) {
    this.parts = parts
  }

  /** After each commit. `head`: what is safe. */
  due(head: ChainHead, atOnce: boolean): void {
    if (head.seq < 0) return
    const isDue = head.seq - this.seq >= anchorRows || this.parts.clock.mono() - this.atMono >= anchorMs
    // The row of an anchor is one more row, which needs none by itself.
    if (!atOnce && (!isDue || head.seq - this.seq < 2)) return
    const anchor = this.made(head)
    this.parts.put(this.parts.encoder.own('anchor', anchor.atMs, anchor.key, JSON.stringify(anchor)), anchor.atMs)
    this.out(anchor)
  }

  /** Of a chain that has ended: there is no row of it. */
  last(head: ChainHead): Promise<void> {
    return this.out(this.made(head))
  }

  private made(head: ChainHead): Anchor {
    const { clock, signer } = this.parts
    const atMs = clock.now()
    this.atMono = clock.mono()
    this.seq = head.seq
    return { ...head, atMs, key: signer.id, signature: signer.sign(anchorText(head, atMs)) }
  }

  private out(anchor: Anchor): Promise<void> {
    const { chain, seq, hash, atMs, key, signature } = anchor
    this.parts.report.log('info', 'Anchor of the audit', { audit_anchor: { chain, seq, hash, atMs, key, signature } })
    return this.parts.anchor(anchor)
  }
}
