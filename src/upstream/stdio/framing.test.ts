import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LineFramer } from './framing.ts'

function framer(maxBytes = 1_000_000): {
  push: (text: string | Buffer) => void
  end: () => string | undefined
  lines: string[]
  over: () => number
} {
  const lines: string[] = []
  let over = 0
  const made = new LineFramer(maxBytes, {
    line: (bytes) => void lines.push(Buffer.from(bytes).toString()),
    oversize: () => {
      over += 1
    },
  })
  return {
    push: (text) => made.push(Buffer.from(text)),
    end: () => {
      const rest = made.end()
      return rest === undefined ? undefined : Buffer.from(rest).toString()
    },
    lines,
    over: () => over,
  }
}

describe('a stream is cut into the same lines however it arrives', () => {
  it('at any chunk boundary, with LF and CRLF', () => {
    const line = fc.stringMatching(/^[a-zé€ \t{}":,]{0,40}$/)
    const property = fc.property(fc.array(fc.tuple(line, fc.boolean())), fc.array(fc.nat(300)), (lines, cuts) => {
      const whole = Buffer.from(lines.map(([text, crlf]) => text + (crlf ? '\r\n' : '\n')).join(''))
      const made = framer()
      const at = [...new Set(cuts.filter((cut) => cut < whole.length))].sort((a, b) => a - b)
      let from = 0
      for (const cut of [...at, whole.length]) {
        made.push(whole.subarray(from, cut))
        from = cut
      }
      expect(made.lines).toEqual(lines.map(([text]) => text).filter((text) => text !== ''))
      expect(made.end()).toBeUndefined()
    })
    fc.assert(property)
  })

  it('and what follows the last line end is given at the end of the stream', () => {
    const made = framer()
    made.push('one\ntw')
    made.push('o')
    expect(made.lines).toEqual(['one'])
    expect(made.end()).toBe('two')
  })
})

describe('a line over the cap is not kept', () => {
  it('while it grows, and nothing after it is delivered', () => {
    const made = framer(10)
    made.push('0123456789\n01234')
    made.push('567890')
    made.push('\nlater\n')
    expect(made.lines).toEqual(['0123456789'])
    expect(made.over()).toBe(1)
    expect(made.end()).toBeUndefined()
  })

  it('nor if it comes in one chunk', () => {
    const made = framer(10)
    made.push('01234567890\nlater\n')
    expect(made.lines).toEqual([])
    expect(made.over()).toBe(1)
  })
})

describe('a long line costs no more than its bytes', () => {
  it('also when it drips in byte by byte', () => {
    const made = framer(4_000_000)
    const one = Buffer.from('x')
    const started = performance.now()
    for (let i = 0; i < 1_000_000; i += 1) made.push(one)
    made.push('\n')
    expect(made.lines[0]?.length).toBe(1_000_000)
    expect(performance.now() - started).toBeLessThan(4_000)
  })
})
