import { describe, expect, it } from 'vitest'
import fc from '../../../test/property.ts'
import { ChunkBuffer } from './chunk-buffer.ts'

describe('gathered chunks', () => {
  it('are what was given, in order, however it was cut, and whatever size was told', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 50 })), fc.nat(10_000), (chunks, told) => {
        const gather = new ChunkBuffer()
        const copies = chunks.map((chunk) => Buffer.from(chunk))
        for (const chunk of chunks) gather.append(chunk, told)
        const whole = Buffer.concat(copies)
        expect(gather.length).toBe(whole.length)
        expect(Buffer.from(gather.take())).toEqual(whole)
        expect(gather.length).toBe(0)
        expect(chunks.map((chunk) => Buffer.from(chunk))).toEqual(copies)
      }),
    )
  })

  it('are the chunk itself where there was one', () => {
    const chunk = Buffer.from('whole')
    const gather = new ChunkBuffer()
    gather.append(chunk)
    expect(gather.take()).toBe(chunk)
  })

  it('take no memory for a told size that does not come', () => {
    const gather = new ChunkBuffer()
    gather.append(Buffer.from('a'), 1 << 30)
    gather.append(Buffer.from('b'), 1 << 30)
    expect(gather.take().buffer.byteLength).toBeLessThan(10_000)
  })

  it('are given away once: what is gathered later leaves them alone', () => {
    const gather = new ChunkBuffer()
    for (const text of ['a', 'b']) gather.append(Buffer.from(text))
    const first = gather.take()
    for (const text of ['x', 'y']) gather.append(Buffer.from(text))
    expect(Buffer.from(first).toString()).toBe('ab')
  })
})
