// Changes of tools in the field and at the edges of JSON Schema, each with the verdict that it has to get.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Reading, Verdict } from '../../../core/call/contract.ts'
import { judge } from './judge.ts'

interface Case {
  readonly id: string
  readonly side: 'input' | 'output'
  readonly reading?: Reading
  readonly old: Record<string, unknown>
  readonly new: Record<string, unknown>
  readonly verdict: Verdict
  readonly kind?: string
}

const cases = JSON.parse(readFileSync(new URL('../../../../test/fixtures/contract-cases.json', import.meta.url), 'utf8')) as Case[]

function contract(side: 'input' | 'output', schema: Record<string, unknown>): Record<string, unknown> {
  const input = { type: 'object' }
  return { name: 'tool', inputSchema: side === 'input' ? schema : input, ...(side === 'output' ? { outputSchema: schema } : {}) }
}

describe('the cases', () => {
  it('are 69', () => expect(cases).toHaveLength(69))

  it.each(cases.map((one) => [one.id, one] as const))('%s', (_id, one) => {
    const judged = judge(contract(one.side, one.old), contract(one.side, one.new), { reading: one.reading ?? 'declared' })
    expect(judged.verdict).toBe(one.verdict)
    if (one.kind !== undefined) expect(judged.changes.map((change) => change.kind)).toContain(one.kind)
    if (one.verdict === 'breaking' || one.verdict === 'ignored') expect(judged.example).toBeDefined()
    expect(judged.error).toBeUndefined()
  })
})
