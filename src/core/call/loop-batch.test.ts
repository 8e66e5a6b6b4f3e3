import { describe, expect, it } from 'vitest'
import { afterReads, atBatchEnd, batchLimit } from './loop-batch.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('one turn', () => {
  it('has its reads, then all work, then all writes, with what the work promised in between', async () => {
    const seen: string[] = []
    for (const name of ['a', 'b']) {
      afterReads(() => {
        seen.push(`work ${name}`)
        void Promise.resolve().then(() => {
          seen.push(`promised ${name}`)
          atBatchEnd(() => seen.push(`write ${name}`))
        })
      })
    }
    atBatchEnd(() => seen.push('write first'))
    seen.push('read')
    await turn()
    expect(seen).toEqual(['read', 'work a', 'work b', 'promised a', 'promised b', 'write first', 'write a', 'write b'])
  })

  it('loses no work that comes while it ends', async () => {
    const seen: string[] = []
    atBatchEnd(() => {
      seen.push('write')
      afterReads(() => seen.push('late work'))
    })
    await turn()
    await turn()
    expect(seen).toEqual(['write', 'late work'])
  })

  it('does work that piles up at once', async () => {
    let done = 0
    for (let i = 0; i < batchLimit + 1; i += 1) {
      afterReads(() => {
        done += 1
      })
    }
    expect(done).toBe(batchLimit)
    await turn()
    expect(done).toBe(batchLimit + 1)
  })
})

describe('the writes of one turn', () => {
  it('leave after its reads, in order', async () => {
    const seen: string[] = []
    atBatchEnd(() => seen.push('a'))
    await Promise.resolve()
    atBatchEnd(() => seen.push('b'))
    seen.push('read')
    await turn()
    expect(seen).toEqual(['read', 'a', 'b'])
  })

  it('leave at once when they are many', async () => {
    const seen: number[] = []
    for (let i = 0; i < batchLimit + 1; i += 1) atBatchEnd(() => seen.push(i))
    expect(seen).toHaveLength(batchLimit)
    await turn()
    expect(seen).toHaveLength(batchLimit + 1)
  })

  it('may ask for another write, which waits for the next end of a turn', async () => {
    const seen: string[] = []
    atBatchEnd(() => {
      seen.push('first')
      atBatchEnd(() => seen.push('second'))
    })
    await turn()
    await turn()
    expect(seen).toEqual(['first', 'second'])
  })

  it('keep their order, however many a write asks for', async () => {
    const seen: string[] = []
    atBatchEnd(() => {
      for (let i = 0; i < batchLimit; i += 1) atBatchEnd(() => seen.push('asked for'))
    })
    atBatchEnd(() => seen.push('second'))
    await turn()
    await turn()
    expect(seen[0]).toBe('second')
    expect(seen).toHaveLength(batchLimit + 1)
  })

  it('outlive one that fails', async () => {
    const seen: string[] = []
    const uncaught: unknown[] = []
    const listeners = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', (error) => uncaught.push(error))
    try {
      const broken = (): never => {
        throw new Error('broken')
      }
      afterReads(broken)
      afterReads(() => seen.push('work'))
      atBatchEnd(broken)
      atBatchEnd(() => seen.push('write'))
      await turn()
      await turn()
    } finally {
      process.removeAllListeners('uncaughtException')
      for (const listener of listeners) process.on('uncaughtException', listener)
    }
    expect(seen.sort()).toEqual(['work', 'write'])
    expect(uncaught).toHaveLength(2)
  })
})
