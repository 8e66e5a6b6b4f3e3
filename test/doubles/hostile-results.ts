// Results that a hostile server makes to cost more than their size, and a measure of what they cost.
import { cpuMs } from './cpu-time.ts'

export const text = (words: string) => Buffer.from(JSON.stringify({ content: [{ type: 'text', text: words }] }))
export const raw = (json: string) => Buffer.from(`{"content":[],"structuredContent":${json}}`)

/** Of a size in thousands each. */
export const hostile: Readonly<Record<string, (n: number) => Uint8Array>> = {
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
  'rows that differ at their ends': (n) => raw(`[${'{"a":"words","b":1},{"a":"words","c":1},'.repeat(n * 25)}1]`),
  'members beside rows': (n) => raw(`{"rows":[${Array.from({ length: n * 50 }, () => '{"c":1}').join(',')}]}`),
}

/**
 * `as its size`, or what it costs. Two sizes far apart are compared: what grows with the square would cost a hundred times as much for ten
 * times the size.
 */
export function costs(name: string, look: (bytes: Uint8Array) => unknown): string {
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
  const [ofLarge, ofSmall] = [cost(large, 10), cost(small, 100)]
  return ofLarge < ofSmall * 5 + 25 ? 'as its size' : `${ofLarge} ms, where as much in ten parts costs ${ofSmall} ms`
}
