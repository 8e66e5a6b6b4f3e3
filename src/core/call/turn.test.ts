import { describe, expect, it } from 'vitest'
import { atTurnEnd, mostTogether } from './turn.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('the writes of one turn', () => {
  it('leave after its reads, in order', async () => {
    const seen: string[] = []
    atTurnEnd(() => seen.push('a'))
    await Promise.resolve()
    atTurnEnd(() => seen.push('b'))
    seen.push('read')
    await turn()
    expect(seen).toEqual(['read', 'a', 'b'])
  })

  it('leave at once when they are many', async () => {
    const seen: number[] = []
    for (let i = 0; i < mostTogether + 1; i += 1) atTurnEnd(() => seen.push(i))
    expect(seen).toHaveLength(mostTogether)
    await turn()
    expect(seen).toHaveLength(mostTogether + 1)
  })

  it('may ask for another write, which waits for the next end of a turn', async () => {
    const seen: string[] = []
    atTurnEnd(() => {
      seen.push('first')
      atTurnEnd(() => seen.push('second'))
    })
    await turn()
    await turn()
    expect(seen).toEqual(['first', 'second'])
  })

  it('outlive one that fails', async () => {
    const seen: string[] = []
    const uncaught: unknown[] = []
    const listeners = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', (error) => uncaught.push(error))
    try {
      atTurnEnd(() => {
        throw new Error('broken')
      })
      atTurnEnd(() => seen.push('next'))
      await turn()
      await turn()
    } finally {
      process.removeAllListeners('uncaughtException')
      for (const listener of listeners) process.on('uncaughtException', listener)
    }
    expect(seen).toEqual(['next'])
    expect(uncaught).toHaveLength(1)
  })
})
