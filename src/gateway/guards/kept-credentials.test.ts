import { describe, expect, it } from 'vitest'
import { KeptCredentials } from './kept-credentials.ts'

const found = (credentials: string[], text: string) =>
  KeptCredentials.of(credentials)
    ?.findIn(Buffer.from(text))
    .map(({ start, end }) => Buffer.from(text).toString('utf8', start, end))

describe('credentials that the gateway keeps', () => {
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
    (value) => expect(KeptCredentials.of([value])).toBeUndefined(),
  )

  it('all of them, at every offset', () => {
    const many = Array.from({ length: 200 }, (_, i) => `credential-${String(i).padStart(3, '0')}-${'x'.repeat(i % 7)}z`)
    const kept = KeptCredentials.of(many) as KeptCredentials
    for (const [i, one] of many.entries()) {
      const text = `${'.'.repeat(i)} ${one} ${'-'.repeat(i % 11)}`
      expect(kept.findIn(Buffer.from(text)), one).toEqual([{ start: i + 1, end: i + 1 + one.length, rule: 'own_credential' }])
    }
    expect(kept.findIn(Buffer.alloc(3))).toEqual([])
  })
})
