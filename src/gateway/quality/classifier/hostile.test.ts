import { describe, expect, it } from 'vitest'
import { cpuMs } from '../../../../test/doubles/cpu-time.ts'
import { factsOf } from '../../../../test/doubles/looked.ts'
import fc from '../../../../test/property.ts'
import { classify, Expected } from './classify.ts'

const expected = new Expected({ tool: 'query_database', ignore: ['$.a.b', '$.rows[*].c'], rows: '$.a' })
const args = Buffer.from('{"q":"x"}')
const look = (bytes: Uint8Array) => classify(bytes, factsOf(bytes), expected, args, { format: 'json', usuallyAtLeast: 10_000 })
const text = (words: string) => Buffer.from(JSON.stringify({ content: [{ type: 'text', text: words }] }))
const raw = (json: string) => Buffer.from(`{"content":[],"structuredContent":${json}}`)

/** Of a size in thousands each. */
const hostile: Readonly<Record<string, (n: number) => Uint8Array>> = {
  'deep lists in a text': (n) => text('['.repeat(n * 1_000)),
  'deep objects': (n) => raw(`${'{"a":'.repeat(n * 1_000)}1${'}'.repeat(n * 1_000)}`),
  quotes: (n) => text('"'.repeat(n * 1_000)),
  'quotes in JSON': (n) => text(`["${'"'.repeat(n * 1_000)}`),
  backslashes: (n) => text(`["${'\\'.repeat(n * 1_000)}`),
  braces: (n) => text('{'.repeat(n * 1_000)),
  spaces: (n) => text(`[${' '.repeat(n * 1_000)}`),
  digits: (n) => text(`[${'1'.repeat(n * 1_000)}`),
  'the beginning of an error, again and again': (n) => text('unexpected internal fatal '.repeat(n * 40)),
  'the beginning of nothing found': (n) => text(`no ${'a '.repeat(n * 500)}`),
  'words of stacks': (n) => text('a.'.repeat(n * 500)),
  'tags without ends': (n) => text(`<html><title ${'<h1 '.repeat(n * 250)}`),
  'XML without an end': (n) => text(`<?xml ${' '.repeat(n * 1_000)}<soap:envelope`),
  'many blocks': (n) => Buffer.from(`{"content":[${Array.from({ length: n * 20 }, () => '{"type":"text","text":"a"}').join(',')}]}`),
  'many blank blocks': (n) =>
    Buffer.from(`{"content":[${Array.from({ length: n * 20 }, () => '{"type":"text","text":" \\n"}').join(',')}]}`),
  'a huge name': (n) => raw(`{"${'k'.repeat(n * 1_000)}":[]}`),
  'many names': (n) =>
    raw(`{${Array.from({ length: n * 50 }, (_, at) => `"n${String.fromCharCode(97 + (at % 26)).repeat(at % 40)}${at}":null`).join(',')}}`),
  'many lists': (n) => raw(`{${Array.from({ length: n * 50 }, (_, at) => `"l${at}":[]`).join(',')}}`),
  'lone surrogates': (n) => Buffer.from(`{"content":[{"type":"text","text":"${'\\ud800'.repeat(n * 160)}"}]}`),
  'byte order marks': (n) => text('\ufeff'.repeat(n * 300)),
  lines: (n) => text('\n'.repeat(n * 500)),
  'values on lines': (n) => text('{"a":1}\n'.repeat(n * 120)),
  'rows of a table': (n) => text(`|a|\n|-|\n${'|\n'.repeat(n * 300)}`),
  commas: (n) => text(`a,b\n${','.repeat(n * 1_000)}\n${','.repeat(n * 1_000)}`),
  'blocks of code': (n) => text('```'.repeat(n * 300)),
  'members beside rows': (n) => raw(`{"rows":[${Array.from({ length: n * 50 }, () => '{"c":1}').join(',')}]}`),
}

describe('a hostile result', () => {
  // What two sizes far apart cost is compared: what grows with the square would cost a hundred times as much for ten times the size.
  it.each(Object.keys(hostile))('costs no more than its size: %s', (name) => {
    const make = hostile[name] as (n: number) => Uint8Array
    const [small, large] = [make(20), make(200)]
    const cost = (bytes: Uint8Array, times: number) => {
      let least = Number.POSITIVE_INFINITY
      for (let round = 0; round < 5; round += 1) {
        const before = cpuMs()
        for (let n = 0; n < times; n += 1) look(bytes)
        least = Math.min(least, cpuMs() - before)
      }
      return least
    }
    cost(small, 20)
    // As many bytes in all, and what a clock cannot tell.
    expect(cost(large, 10)).toBeLessThan(cost(small, 100) * 5 + 25)
  })

  it('throws never, whatever the bytes are', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 200 }),
          fc.string().map((words) => Buffer.from(`{"content":[{"text":"${words}"}]}`)),
        ),
        (bytes) => {
          expect(look(bytes).kind).toBeTypeOf('string')
        },
      ),
    )
  })

  it('throws never on names that no JSON can have, where paths lead through them', () => {
    for (const name of ['\\s', '\\u12', '\u0001', '\\ud800\\']) {
      for (const words of [`{"${name}":1,"a":[]}`, `{"rows":[{"${name}":1,"c":2}],"a":[1]}`])
        expect(look(text(words)).kind).toBeTypeOf('string')
    }
  })

  it('throws never on results that are some, cut anywhere', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat({ max: 400 }), fc.boolean(), (json, at, isText) => {
        const whole = isText ? text(json.slice(0, at)) : raw(json)
        const found = look(whole)
        expect(found.rows.length).toBeLessThanOrEqual(4)
        expect(found.keys.length).toBeLessThanOrEqual(12)
        expect(found.excerpt?.length ?? 0).toBeLessThanOrEqual(200)
        look(whole.subarray(0, at))
      }),
    )
  })
})
