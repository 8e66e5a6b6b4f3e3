// What is said of chains of the audit: where one begins, and the texts that are signed.
import { hash } from 'node:crypto'
import type { ChainHead } from '../../core/ports/audit-store.ts'

/** In place of a hash before the first row of a chain, in hex. */
export function beginning(chain: string): string {
  return hash('sha256', `signalbox audit ${chain}`, 'hex')
}

/** What the signature of an anchor is about. */
export function anchorText({ chain, seq, hash: of }: ChainHead, atMs: number): string {
  return `signalbox audit anchor 1\n${chain}\n${seq}\n${of}\n${atMs}`
}

/** What the signature of a checkpoint is about. */
export function checkpointText({ chain, seq, hash: of }: ChainHead, atMs: number): string {
  return `signalbox audit checkpoint 1\n${chain}\n${seq}\n${of}\n${atMs}`
}

/** An anchor as it is written outside of the store. */
export interface Anchor extends ChainHead {
  readonly atMs: number
  readonly key: string
  readonly signature: string
}

/** The anchors in lines of the log, or of the file of `audit.anchors`; other lines are passed over. */
export function anchorsIn(text: string): readonly Anchor[] {
  return text.split('\n').flatMap((line) => (line.includes('audit_anchor') ? (anchorOf(line) ?? []) : []))
}

function anchorOf(line: string): Anchor | undefined {
  try {
    const { audit_anchor: anchor } = JSON.parse(line) as { readonly audit_anchor?: Readonly<Record<string, unknown>> }
    const { chain, seq, hash: of, atMs, key, signature } = anchor ?? {}
    if (typeof chain !== 'string' || typeof of !== 'string' || typeof key !== 'string' || typeof signature !== 'string') return undefined
    return typeof seq === 'number' && typeof atMs === 'number' ? { chain, seq, hash: of, atMs, key, signature } : undefined
  } catch {
    return undefined
  }
}
