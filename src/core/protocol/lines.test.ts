import { describe, expect, it } from 'vitest'
import fc from '../../../test/property.ts'
import { Lines } from './lines.ts'

function splitter(maxBytes = 1_000_000): {
  push: (text: string | Buffer) => void
  finish: () => void
  lines: string[]
  over: () => number
  heads: string[]
} {
  const lines: string[] = []
  const heads: string[] = []
  const made = new Lines(maxBytes)
  const on = (line: Uint8Array | undefined, head: Uint8Array = Buffer.alloc(0)): void => {
    if (line === undefined) heads.push(Buffer.from(head).toString())
    else lines.push(Buffer.from(line).toString())
  }
  return { push: (text) => made.push(Buffer.from(text), on), finish: () => made.finish(on), lines, over: () => heads.length, heads }
}

describe('a stream is cut into the same lines however it arrives', () => {
  it('at any chunk boundary, with LF and CRLF', () => {
    const line = fc.stringMatching(/^[a-zé€ \t{}":,]{0,40}$/)
    const property = fc.property(fc.array(fc.tuple(line, fc.boolean())), fc.array(fc.nat(300)), (lines, cuts) => {
      const whole = Buffer.from(lines.map(([text, crlf]) => text + (crlf ? '\r\n' : '\n')).join(''))
      const made = splitter()
      const at = [...new Set(cuts.filter((cut) => cut < whole.length))].sort((a, b) => a - b)
      let from = 0
      for (const cut of [...at, whole.length]) {
        made.push(whole.subarray(from, cut))
        from = cut
      }
      made.finish()
      expect(made.lines).toEqual(lines.map(([text]) => text).filter((text) => text !== ''))
    })
    fc.assert(property)
  })

  it('and what follows the last line end is given at the end of the stream', () => {
    const made = splitter()
    made.push('one\ntw')
    made.push('o')
    expect(made.lines).toEqual(['one'])
    made.finish()
    expect(made.lines).toEqual(['one', 'two'])
  })
})

describe('a line over the cap is not kept', () => {
  it('but for how it begins, in whatever chunks that came', () => {
    const made = splitter(1_000)
    made.push('{"id":')
    made.push(`7,${'x'.repeat(2_000)}`)
    made.push(`more\n${'y'.repeat(900)}`)
    made.push(`${'z'.repeat(900)}\n`)
    expect(made.heads).toEqual([`{"id":7,${'x'.repeat(504)}`, 'y'.repeat(512)])
  })

  it('which is told while it grows; the lines after it are read', () => {
    const made = splitter(10)
    made.push('0123456789\n01234')
    made.push('567890')
    expect(made.over()).toBe(1)
    made.push('more\nlater\n')
    expect(made.lines).toEqual(['0123456789', 'later'])
    expect(made.over()).toBe(1)
  })

  it('nor if it comes in one chunk, or last', () => {
    const made = splitter(10)
    made.push('01234567890\nlater\n01234567890')
    made.finish()
    expect(made.lines).toEqual(['later'])
    expect(made.over()).toBe(2)
  })
})

describe('a long line', () => {
  it('is whole also when it drips in byte by byte', () => {
    const made = splitter(4_000_000)
    const one = Buffer.from('x')
    for (let i = 0; i < 1_000_000; i += 1) made.push(one)
    made.push('\n')
    expect(made.lines[0]?.length).toBe(1_000_000)
  })
})
