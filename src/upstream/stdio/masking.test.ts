import { describe, expect, it } from 'vitest'
import { masking } from './masking.ts'
import { ByteRing, RingMemory, smallestRing } from './ring.ts'

describe('a quoted child never tells what was given to it in confidence', () => {
  const env = {
    API_KEY: 'hunter22',
    LOG_LEVEL: 'debug',
    DATABASE: 'postgres://app:s3cret-pw@db/x',
    BLOB: 'Zm9vYmFyMTIzNDU2Nzg5MA==',
    PRIVATE_KEY: '-----BEGIN KEY-----\nMIIabcdef\n-----END KEY-----',
    WEIRD_TOKEN: 'a"b c&d',
  }
  const mask = masking(env, ['--token', 'tok-from-args', '--password=pw-from-args', '--verbose', 'ghp_abcdefghijklmnopqrst0123'])

  it.each([
    ['a named value', 'bad key hunter22', 'bad key [masked]'],
    ['a password in a URL', 'cannot reach postgres://app:s3cret-pw@db/x', 'cannot reach postgres://app:[masked]@db/x'],
    ['what looks like a token', `got ${env.BLOB}`, 'got [masked]'],
    ['each line of a longer one', 'at MIIabcdef', 'at [masked]'],
    ['its spelling in JSON', '{"t":"a\\"b c&d"}', '{"t":"[masked]"}'],
    ['its spelling in a URL', '?t=a%22b%20c%26d', '?t=[masked]'],
    ['arguments', 'tok-from-args pw-from-args ghp_abcdefghijklmnopqrst0123', '[masked] [masked] [masked]'],
    ['any bearer', 'Authorization: Bearer abcdefgh12345', 'Authorization: Bearer [masked]'],
  ])('%s', (_, text, expected) => {
    expect(mask(text)).toBe(expected)
  })

  it('ordinary words stay, terminal sequences go', () => {
    expect(mask('debug: \u001b[31mport 80\u001b[0m is taken\r\n\u0007')).toBe('debug: port 80 is taken\n')
  })
})

describe('the ring keeps the last bytes', () => {
  it.each([1, 3, 7, 10, 25])('in chunks of %i', (size) => {
    const ring = new ByteRing(10)
    const whole = Buffer.from('abcdefghijklmnopqrstuvwxyz')
    for (let at = 0; at < whole.length; at += size) ring.write(whole.subarray(at, at + size))
    expect(ring.text()).toBe('qrstuvwxyz')
  })

  it('and all rings together have no more than their memory; the small ones of the rest still have a last line', () => {
    const memory = new RingMemory(100_000)
    const rings = Array.from({ length: 10 }, () => new ByteRing(50_000, memory))
    for (const ring of rings) ring.write(Buffer.alloc(60_000, 'x'))
    expect(rings.map((ring) => ring.text().length)).toEqual([50_000, 50_000, ...Array(8).fill(smallestRing)])
    rings[9]?.release()
    rings[0]?.release()
    expect(rings[0]?.text()).toBe('')
    const next = new ByteRing(50_000, memory)
    next.write(Buffer.alloc(60_000, 'y'))
    expect(next.text()).toHaveLength(50_000)
  })

  it('and all of less', () => {
    const ring = new ByteRing(10)
    expect(ring.text()).toBe('')
    ring.write(Buffer.from('abc'))
    expect(ring.text()).toBe('abc')
  })
})
