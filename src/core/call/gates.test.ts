import { describe, expect, it } from 'vitest'
import { aCall, anExchange, done } from '../../../test/doubles/gateway/samples.ts'
import { fault } from '../faults/catalogue.ts'
import type { Entry, Gate } from './gates.ts'
import { failed, type Outcome } from './outcome.ts'
import { type Next, Table } from './stage.ts'

const refusal = failed(fault('overloaded', { upstream: 'up', limit: 'none is free' }))

function setting() {
  const seen: string[] = []
  const gate = (name: string, entry?: () => Entry | Promise<Entry>, leave?: () => void): Gate => ({
    name,
    enter: () => {
      seen.push(`into ${name}`)
      const held = {
        leave: (outcome: Outcome | undefined) => {
          seen.push(`out of ${name}: ${outcome?.kind ?? 'a bug'}`)
          leave?.()
        },
      }
      return entry?.() ?? held
    },
  })
  const held = (name: string) => ({
    leave: (outcome: Outcome | undefined) => void seen.push(`out of ${name}: ${outcome?.kind ?? 'a bug'}`),
  })
  const run = (gates: readonly Gate[], end: Next = async () => done()) => {
    const table = gates.reduce((made, one) => made.gate(['invoke'], one, ''), Table.begin())
    const sent: Next = (call, exchange) => {
      seen.push('sent')
      return end(call, exchange)
    }
    return table.end(['invoke'], 'end', sent, '').chains().invoke(aCall(), anExchange().exchange)
  }
  return { seen, gate, held, run }
}

describe('gates', () => {
  it('may give an outcome in place of the one that they hear, and those before them hear of it', async () => {
    const { seen, gate, run } = setting()
    const replacing: Gate = { name: 'b', enter: () => ({ leave: () => undefined, amend: () => refusal }) }
    expect(await run([gate('a'), replacing, gate('c')])).toBe(refusal)
    expect(seen).toEqual(['into a', 'into c', 'sent', 'out of c: complete', 'out of a: fault'])
  })

  it('are entered in order, before anything is sent, and left in reverse with the outcome', async () => {
    const { seen, gate, run } = setting()
    expect(await run([gate('a'), gate('b'), gate('c')])).toMatchObject({ kind: 'complete' })
    expect(seen).toEqual(['into a', 'into b', 'into c', 'sent', 'out of c: complete', 'out of b: complete', 'out of a: complete'])
  })

  it('are entered at once, so that nothing comes between them, unless one has to wait', async () => {
    const { seen, gate, held, run } = setting()
    const ended = run([gate('a'), gate('b', () => Promise.resolve(held('b'))), gate('c')])
    expect(seen).toEqual(['into a', 'into b'])
    expect(await ended).toMatchObject({ kind: 'complete' })
    expect(seen.slice(2)).toEqual(['into c', 'sent', 'out of c: complete', 'out of b: complete', 'out of a: complete'])
  })

  it.each([
    ['at once', () => refusal],
    ['after a while', () => Promise.resolve(refusal)],
  ])('that refuse %s end the call: what was entered is left, what follows is not entered', async (_when, entry) => {
    const { seen, gate, run } = setting()
    expect(await run([gate('a'), gate('b', entry), gate('c')])).toBe(refusal)
    expect(seen).toEqual(['into a', 'into b', 'out of a: fault'])
  })

  it.each<[string, () => Promise<Entry>]>([
    [
      'at once',
      () => {
        throw new Error('a bug')
      },
    ],
    ['after a while', () => Promise.reject(new Error('a bug'))],
  ])('that fail %s leave nothing held', async (_when, entry) => {
    const { seen, gate, run } = setting()
    await expect(run([gate('a'), gate('b', entry)])).rejects.toThrow('a bug')
    expect(seen).toEqual(['into a', 'into b', 'out of a: a bug'])
  })

  it('are left where what follows fails', async () => {
    const { seen, gate, run } = setting()
    await expect(run([gate('a'), gate('b')], () => Promise.reject(new Error('a bug')))).rejects.toThrow('a bug')
    expect(seen.slice(3)).toEqual(['out of b: a bug', 'out of a: a bug'])
  })

  it('that fail when they are left keep no other from it, each once', async () => {
    const { seen, gate, run } = setting()
    const bad = gate('b', undefined, () => {
      throw new Error('a bug')
    })
    await expect(run([gate('a'), bad])).rejects.toThrow('a bug')
    expect(seen.slice(3)).toEqual(['out of b: complete', 'out of a: complete'])
    seen.length = 0
    await expect(run([gate('a'), bad, gate('c', () => refusal)])).rejects.toThrow('a bug')
    expect(seen.slice(3)).toEqual(['out of b: fault', 'out of a: fault'])
  })
})
