import { describe, expect, it } from 'vitest'
import { cpuMs } from '../../../test/doubles/cpu-time.ts'
import { payload } from '../../core/call/payload.ts'
import { KnownValues } from '../../core/secrets/known-values.ts'
import { mask } from './mask.ts'
import { markUntrusted } from './untrusted.ts'

const long = 'aZ3kQ9xV7bN2mW8pR5tY1uE6cD4gH0jL5tY1uE6c'
const kept = KnownValues.of(['kept-by-the-gateway-7', 'aaaaaaaaaaaaaaab', `${'-'.repeat(200)}x`])
const text = (words: string) => Buffer.from(JSON.stringify({ content: [{ type: 'text', text: words }] }))
const raw = (json: string) => Buffer.from(`{"content":[],"structuredContent":${json}}`)
/** `piece` again and again, of a size in thousands. */
const many = (piece: string) => (n: number) => text(piece.repeat(Math.ceil((n * 1_000) / piece.length)))

const hostile: Readonly<Record<string, (n: number) => Uint8Array>> = {
  'beginnings of tokens': many('sk-ghp_xoxb-npm_hf_AKIAAIz'),
  'beginnings of one token': many('sk-'),
  'tokens that are not random': many(`ghp_${'a'.repeat(36)} `),
  'tokens that are': many(`ghp_${long.slice(0, 36)} `),
  'tokens without an end': (n) => text(`sk-proj-${long.repeat(n * 25)}`),
  'beginnings of JWTs': many('eyJhbGci.eyJ'),
  'one word that ends as JWTs go on': (n) => text(`${'e'.repeat(n * 1_000)}.eyJ`),
  'beginnings of private keys': many('-----BEGIN PRIVATE KEY-----'),
  'a private key without an end': (n) => text(`-----BEGIN PRIVATE KEY-----${long.repeat(n * 25)}`),
  'private keys without an end': many(`-----BEGIN PRIVATE KEY-----${'\\'.repeat(9)}`),
  dashes: many('-'),
  'names without values': many('password='),
  'names in JSON': many('"token":"'),
  'names in JSON within texts': (n) => text(JSON.stringify('"api_key":"'.repeat(n * 90))),
  'names and spaces': many(`secret:${' '.repeat(300)}`),
  'one name and spaces': (n) => text(`secret${' '.repeat(n * 1_000)}:`),
  'one name and quotes': (n) => text(`secret${`"'\\ `.repeat(n * 250)}=`),
  'values that go on': many(`password=${'a1'.repeat(300)}`),
  'a value that goes on': (n) => text(`password=${'a1B2'.repeat(n * 250)}`),
  'values full of backslashes': (n) => raw(`{"password":"${'\\\\'.repeat(n * 500)}"}`),
  'addresses with passwords': many('x://a:b9@'),
  'signs of addresses': many(':@'),
  'one long user': (n) => text(`://${'u'.repeat(n * 1_000)}@`),
  'schemes of headers': many('bearer '),
  'bearer tokens': many(`Bearer ${long} `),
  colons: many('= : = :'),
  'beginnings of what is kept': many('kept-by-the-gateway-'),
  'what is kept but for its end': many('a'),
  'the middle of what is kept': many('-'.repeat(150)),
  'what is kept': many('kept-by-the-gateway-7'),
  'secrets behind escapes': (n) => raw(`"${'\\\\'.repeat(n * 200)}n${'kept-by-the-gateway-7\\\\'.repeat(n * 25)}"`),
  'blocks that nothing changes, and secrets': (n) =>
    Buffer.from(
      `{"content":[${Array.from({ length: n * 10 }, () => `{"type":"image","data":"ghp_${long.slice(0, 36)}"},{"type":"text","text":"ghp_${long.slice(0, 36)}"}`).join(',')}]}`,
    ),
  'hidden characters': many('\u200b\u{e0041}'),
  'hidden characters in escapes': (n) => Buffer.from(`{"content":[{"type":"text","text":"${'\\u200b'.repeat(n * 160)}"}]}`),
  'many blocks': (n) => Buffer.from(`{"content":[${Array.from({ length: n * 20 }, () => '{"type":"text","text":"\\u200b"}').join(',')}]}`),
  'lone surrogates': (n) => Buffer.from(`{"content":[{"type":"text","text":"${'\\ud800'.repeat(n * 160)}"}]}`),
}

const guard = (bytes: Uint8Array): void => {
  const masked = mask(bytes, true, kept)?.bytes ?? bytes
  markUntrusted(payload(masked), 'up', '0'.repeat(32), 0)
}

describe('a hostile result', () => {
  // What two sizes far apart cost is compared: what grows with the square would cost a hundred times as much for ten times the size.
  it.each(Object.keys(hostile))('costs no more than its size: %s', (name) => {
    const make = hostile[name] as (n: number) => Uint8Array
    const [small, large] = [make(20), make(200)]
    const cost = (bytes: Uint8Array, times: number) => {
      let least = Number.POSITIVE_INFINITY
      for (let round = 0; round < 4; round += 1) {
        const before = cpuMs()
        for (let n = 0; n < times; n += 1) guard(bytes)
        least = Math.min(least, cpuMs() - before)
      }
      return least
    }
    cost(small, 10)
    // As many bytes in all, and what a clock cannot tell.
    expect(cost(large, 3)).toBeLessThan(cost(small, 30) * 5 + 25)
  })

  it.each(Object.keys(hostile))('stays JSON: %s', (name) => {
    const make = hostile[name] as (n: number) => Uint8Array
    const bytes = make(3)
    const masked = mask(bytes, true, kept)?.bytes ?? bytes
    expect(() => JSON.parse(Buffer.from(masked).toString('utf8'))).not.toThrow()
  })
})
