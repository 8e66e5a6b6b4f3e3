// What a tool may take away, and what of an answer that is empty after it is no surprise.
import { describe, expect, it } from 'vitest'
import { judging, read, rowsOf } from '../../../../test/doubles/gateway/judging.ts'
import { anItem } from '../../../../test/doubles/gateway/samples.ts'
import type { Item } from '../../../core/call/item.ts'
import { payloadOf } from '../../../core/call/payload.ts'
import { effectsOf } from './effects.ts'

const undeclared = { readOnly: false, destructive: true, idempotent: false }

function tool(name: string, annotations?: Record<string, unknown>): Partial<Item> {
  const destructive = annotations?.readOnlyHint !== true && annotations?.destructiveHint !== false
  return {
    name,
    definition: payloadOf({ name, ...(annotations === undefined ? {} : { annotations }) }),
    traits: { ...undeclared, destructive, readOnly: annotations?.readOnlyHint === true },
  }
}

describe('a tool', () => {
  it.each([
    ['delete_rows', undefined, true, true],
    ['clearCache', undefined, true, true],
    ['update', { destructiveHint: true }, true, true],
    ['get_and_change', { destructiveHint: true }, true, true],
    ['update', undefined, true, false],
    ['get_report', { readOnlyHint: false }, true, false],
    ['get_report', undefined, false, false],
    ['query_database', undefined, false, false],
    ['searchOrders', undefined, false, false],
    ['delete_rows', { destructiveHint: false }, false, false],
    ['delete_rows', { readOnlyHint: true }, false, false],
  ])('%s with the hints %j overwrites: %s, removes: %s', (name, annotations, overwrites, removes) => {
    expect(effectsOf(anItem(tool(name, annotations)))).toEqual({ overwrites, removes })
  })
})

describe('an answer without rows', () => {
  const minuteMs = 60_000
  /** Sixty answers, then a call of another tool, then none: what is noted of those that follow. */
  async function noted(between: Partial<Item> | undefined, own: Partial<Item>, times = 1): Promise<string[]> {
    const rig = judging()
    for (let n = 0; n < 60; n += 1) await rig.send(rowsOf(10 + (n % 30)), { item: own, args: { of: n % 30 }, thenMs: minuteMs })
    if (between !== undefined) await rig.send({ content: [{ type: 'text', text: 'done' }] }, { item: between, thenMs: minuteMs })
    const found: string[] = []
    for (let n = 0; n < times; n += 1) {
      const { suspect } = read(await rig.send(rowsOf(0), { item: own, args: { of: n }, thenMs: minuteMs }))
      found.push(suspect.map(({ rule }) => rule).join())
    }
    return found
  }
  const reads = tool('find', { readOnlyHint: true })

  it('after a call that removes is no surprise, but that it stays so is', async () => {
    expect(await noted(tool('delete_rows'), reads)).toEqual([''])
    const found = await noted(tool('delete_rows'), reads, 4)
    expect(found[0]).toBe('')
    expect(found[3]).not.toBe('')
  })

  it('after a call that only changes is one', async () => {
    expect(await noted(tool('update'), reads)).toEqual(['single'])
    expect(await noted(undefined, reads)).toEqual(['repeat'])
  })

  it('of a tool that declares nothing is one too, by its questions', async () => {
    expect(await noted(undefined, tool('query_database'))).toEqual(['repeat'])
    expect(await noted(tool('get_report'), tool('query_database'))).toEqual(['repeat'])
    expect(await noted(tool('run'), tool('query_database'))).toEqual(['single'])
  })
})
