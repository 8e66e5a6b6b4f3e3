import { describe, expect, it } from 'vitest'
import { KnownValues } from './known-values.ts'

const found = (credentials: string[], text: string) =>
  KnownValues.of(credentials)
    .findIn(Buffer.from(text))
    .map(({ start, end }) => Buffer.from(text).toString('utf8', start, end))

describe('values that are known', () => {
  it('are found wherever they stand, in every spelling', () => {
    const quoted = 'pa"ss\\wörd-1'
    const once = JSON.stringify(quoted).slice(1, -1)
    const twice = JSON.stringify(once).slice(1, -1)
    const text = `${once} ${twice} ${encodeURIComponent(quoted)}`
    expect(found([quoted, 'another-one-77'], `${text},another-one-77`)).toEqual([once, twice, encodeURIComponent(quoted), 'another-one-77'])
  })

  it('the longer where one begins with another', () => {
    expect(found(['secret-1', 'secret-1-and-two'], 'a secret-1-and-two b secret-1')).toEqual(['secret-1-and-two', 'secret-1'])
  })

  it('a short one not within a word', () => {
    expect(found(['hunter22'], 'xhunter22 hunter22y "hunter22" \\nhunter22')).toEqual(['hunter22', 'hunter22'])
  })

  it.each(['short1', 'production', 'us-west', '2026-08-31', '12345678901', '/srv/secrets/key1', 'https://a.example/path1'])(
    'that %s is none',
    (value) => expect(KnownValues.of([value]).isEmpty).toBe(true),
  )

  it('all of them, at every offset', () => {
    const many = Array.from({ length: 200 }, (_, i) => `credential-${String(i).padStart(3, '0')}-${'x'.repeat(i % 7)}z`)
    const kept = KnownValues.of(many)
    for (const [i, one] of many.entries()) {
      const text = `${'.'.repeat(i)} ${one} ${'-'.repeat(i % 11)}`
      expect(kept.findIn(Buffer.from(text)), one).toEqual([{ start: i + 1, end: i + 1 + one.length }])
    }
    expect(kept.findIn(Buffer.alloc(3))).toEqual([])
  })

  it('that come later, until so many have come that the oldest go; those of the beginning stay', () => {
    const known = KnownValues.of(['there-from-the-beginning'])
    known.add(['https://no.example/', 'token-of-the-first-user', 'token-of-the-first-user'])
    const looked = (text: string) => known.findIn(Buffer.from(text)).map(({ start, end }) => text.slice(start, end))
    expect(looked('x token-of-the-first-user')).toEqual(['token-of-the-first-user'])
    for (let n = 0; n < 20_000; n += 1) known.add([`token-${n}-of-another-user-${n}`])
    expect(looked('token-of-the-first-user token-19999-of-another-user-19999 there-from-the-beginning')).toEqual([
      'token-19999-of-another-user-19999',
      'there-from-the-beginning',
    ])
  })

  it('that come later and are shorter than all before', () => {
    const known = KnownValues.of([])
    expect(known.isEmpty).toBe(true)
    const looked = (text: string) => known.findIn(Buffer.from(text)).map(({ start, end }) => text.slice(start, end))
    known.add([`long-${'x9'.repeat(40)}`, 'middle-sized-one-7'])
    known.add(['tiny-077'])
    expect(looked(`a tiny-077 middle-sized-one-7 long-${'x9'.repeat(40)}`)).toEqual([
      'tiny-077',
      'middle-sized-one-7',
      `long-${'x9'.repeat(40)}`,
    ])
  })

  it('whatever stands beside them, and where they overlap', () => {
    const known = KnownValues.of(['abcdefgh-12345678', '12345678-ijklmnop', 'xx-abcdefgh-12345678-yy'])
    const spans = (text: string) => known.findIn(Buffer.from(text)).map(({ start, end }) => text.slice(start, end))
    expect(spans('__abcdefgh-12345678-ijklmnop__')).toEqual(['abcdefgh-12345678-ijklmnop'])
    expect(spans('xx-abcdefgh-12345678-yy')).toEqual(['xx-abcdefgh-12345678-yy'])
    expect(spans('abcdefgh-12345678abcdefgh-12345678')).toEqual(['abcdefgh-12345678', 'abcdefgh-12345678'])
  })

  it('as any search finds them', () => {
    let seed = 7
    const chance = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
      return Math.floor((seed / 2_147_483_648) * below)
    }
    const word = (length: number) => Array.from({ length }, () => 'ab1-'[chance(4)]).join('')
    for (let n = 0; n < 300; n += 1) {
      const values = Array.from({ length: 1 + chance(20) }, () => `${word(12 + chance(8))}x`)
      const text = Array.from({ length: 40 }, () => (chance(3) === 0 ? values[chance(values.length)] : word(chance(30)))).join('')
      const covered = new Set<number>()
      for (const value of values)
        for (let at = text.indexOf(value); at >= 0; at = text.indexOf(value, at + 1))
          for (let i = at; i < at + value.length; i += 1) covered.add(i)
      const found = new Set<number>()
      let last = -1
      for (const { start, end } of KnownValues.of(values).findIn(Buffer.from(text))) {
        expect(start).toBeGreaterThanOrEqual(last)
        last = end
        for (let i = start; i < end; i += 1) found.add(i)
      }
      expect([...found].sort()).toEqual([...covered].sort())
    }
  })
})
