import { describe, expect, it } from 'vitest'
import { cpuMs } from '../../../test/doubles/cpu-time.ts'
import fc from '../../../test/property.ts'
import { SseParser, sseComment, sseEvent, sseRetry } from './sse.ts'

interface Seen {
  event: string
  id: string | undefined
  data: string
}

function parse(
  chunks: readonly Uint8Array[],
  maxBytes = 1 << 20,
): { events: Seen[]; retries: number[]; id: string | undefined; whole: boolean } {
  const parser = new SseParser(maxBytes)
  const events: Seen[] = []
  const retries: number[] = []
  let whole = true
  for (const chunk of chunks) {
    whole = parser.push(
      chunk,
      (event) => events.push({ event: event.event, id: event.id, data: Buffer.from(event.data).toString('utf8') }),
      (ms) => retries.push(ms),
    )
  }
  return { events, retries, id: parser.lastEventId, whole }
}

function split(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b)
  return [0, ...places].map((from, i) => bytes.slice(from, places[i] ?? bytes.length))
}

const text = (s: string): Uint8Array => Buffer.from(s)
const message = (data: string, id?: string): Seen => ({ event: 'message', id, data })

describe('the SSE parser', () => {
  it('reads events, ids, names, retry and comments', () => {
    const read = parse([text(': hello\nretry: 1500\nid: 7\nevent: endpoint\ndata: /m?s=1\n\ndata:{}\n\n')])
    expect(read.events).toEqual([{ event: 'endpoint', id: '7', data: '/m?s=1' }, message('{}', '7')])
    expect(read.retries).toEqual([1500])
  })

  it('counts comments, which show that a quiet stream is alive', () => {
    const parser = new SseParser(1_000)
    parser.push(text(': a\n\ndata: x\n'), () => undefined)
    parser.push(text('\n:\n'), () => undefined)
    expect(parser.commentCount).toBe(2)
  })

  it('reads CR, LF and CRLF, mixed, and a BOM once', () => {
    expect(parse([text('\uFEFFdata: a\r\n\r\ndata: b\r\rdata: c\n\ndata: d\r\n\n')]).events.map((e) => e.data)).toEqual([
      'a',
      'b',
      'c',
      'd',
    ])
    expect(parse([text('data: a\n\n\uFEFFdata: b\n\n')]).events.map((e) => e.data)).toEqual(['a'])
  })

  it('joins data lines by line feeds, also empty ones', () => {
    expect(parse([text('data: a\ndata\ndata: b\n\n')]).events).toEqual([message('a\n\nb')])
    expect(parse([text('data\ndata\ndata\n\n')]).events).toEqual([message('\n\n')])
  })

  it('takes one space after the colon away, not two', () => {
    expect(parse([text('data:  a \n\n')]).events).toEqual([message(' a ')])
  })

  it('knows a priming event: an id and empty data', () => {
    const read = parse([text('id: p1\ndata:\n\n')])
    expect(read.events).toEqual([message('', 'p1')])
    expect(read.id).toBe('p1')
  })

  it('keeps the id of an event without data, and forgets that of an event cut off', () => {
    expect(parse([text('id: 1\n\nid: 2\ndata: x\n')])).toMatchObject({ events: [], id: '1' })
  })

  it('ignores an id with NUL, a retry that is no number, unknown fields', () => {
    const read = parse([text('id: a\0b\nretry: 1s\nretry:\nfoo: bar\ndatas: x\ndata: y\n\n')])
    expect(read).toMatchObject({ events: [message('y')], retries: [] })
  })

  it('parses any split of any stream alike', () => {
    const ends = fc.constantFrom('\n', '\r', '\r\n')
    const line = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 12 }).map((s) => `data: ${s}`),
      fc.constantFrom('data', 'data:', ':', ': ping', 'id: 4', 'id', 'event: x', 'retry: 10', 'data: é\u2028', '', '', '\uFEFFdata: b'),
    )
    const stream = fc
      .array(fc.tuple(line, ends), { maxLength: 30 })
      .map((lines) => text(lines.map(([l, e]) => l.replace(/[\r\n]/g, '') + e).join('')))
    fc.assert(
      fc.property(stream, fc.array(fc.nat(400), { maxLength: 20 }), (bytes, cuts) => {
        const whole = parse([bytes])
        expect(parse(split(bytes, cuts))).toEqual(whole)
        expect(parse([...bytes].map((b) => Uint8Array.of(b)))).toEqual(whole)
      }),
      { numRuns: 300 },
    )
  })

  it('reads back whatever the writers wrote, line ends in the data as line feeds', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        fc.option(fc.stringMatching(/^[a-z0-9-]{1,8}$/)),
        fc.array(fc.nat(80)),
        (data, id, cuts) => {
          const bytes = Buffer.concat([
            sseComment('hi'),
            sseRetry(20),
            sseEvent({ data: text(data), event: 'x', ...(id === null ? {} : { id }) }),
            sseComment(),
          ])
          expect(parse(split(bytes, cuts)).events).toEqual([{ event: 'x', id: id ?? undefined, data: data.replace(/\r\n?/g, '\n') }])
        },
      ),
    )
  })

  it('shares the memory of a chunk that held the event whole', () => {
    const chunk = Buffer.from('data: {"a":1}\n\n')
    let data: Uint8Array | undefined
    new SseParser(100).push(chunk, (event) => {
      data = event.data
    })
    expect(data?.buffer).toBe(chunk.buffer)
    expect(data?.byteOffset).toBe(chunk.byteOffset + 6)
  })

  it('never writes into a chunk of the caller', () => {
    const first = Buffer.from('data: a\ndata: bXXXX')
    const copy = Buffer.from(first)
    const parser = new SseParser(100)
    const seen: string[] = []
    for (const chunk of [first.subarray(0, 15), Buffer.from('c\ndata: d\n\n')])
      parser.push(chunk, (e) => seen.push(Buffer.from(e.data).toString()))
    expect(seen).toEqual(['a\nbc\nd'])
    expect(first).toEqual(copy)
  })

  it('refuses what is larger than the cap, in one line, many lines, or a line that never ends', () => {
    expect(parse([text(`data: ${'x'.repeat(200)}\n\n`)], 100)).toMatchObject({ events: [], whole: false })
    expect(parse([text(`${'data: 0123456789\n'.repeat(20)}\n`)], 100)).toMatchObject({ events: [], whole: false })
    expect(
      parse(
        Array.from({ length: 40 }, () => text('0123456789')),
        100,
      ),
    ).toMatchObject({ whole: false })
    expect(parse([text(`data: ${'x'.repeat(100)}\n\n`)], 100)).toMatchObject({ whole: true })
    expect(parse([text('data: 12345678\n\n'.repeat(100))], 10).events).toHaveLength(100)
  })

  it('reads a large event in small chunks in linear time', () => {
    const size = 2_000_000
    const bytes = text(`data: ${'x'.repeat(size)}\n\n`)
    const chunks: Uint8Array[] = []
    for (let i = 0; i < bytes.length; i += 16) chunks.push(bytes.subarray(i, i + 16))
    const before = cpuMs()
    expect(parse(chunks, size).events[0]?.data.length).toBe(size)
    expect(cpuMs() - before).toBeLessThan(1_500)
  })
})

describe('the SSE writers', () => {
  it('write one event, a comment, a retry', () => {
    expect(sseEvent({ data: text('{}') }).toString()).toBe('data: {}\n\n')
    expect(sseEvent({ id: '1', event: 'message', data: text('{}') }).toString()).toBe('id: 1\nevent: message\ndata: {}\n\n')
    expect(sseEvent({ id: '1', retryMs: 500, data: text('') }).toString()).toBe('id: 1\nretry: 500\ndata: \n\n')
    expect(sseComment().toString()).toBe(':\n\n')
    expect(sseRetry(1000.5).toString()).toBe('retry: 1000\n\n')
  })

  it('never let a value break out of its field', () => {
    expect(() => sseEvent({ id: 'a\ndata: x', data: text('') })).toThrow()
    expect(sseEvent({ data: text('{\r\n "a": 1\n}') }).toString()).toBe('data: {\ndata:  "a": 1\ndata: }\n\n')
  })
})
