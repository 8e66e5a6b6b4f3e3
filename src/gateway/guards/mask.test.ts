import { describe, expect, it } from 'vitest'
import { KnownValues } from '../../core/secrets/known-values.ts'
import { mask } from './mask.ts'

const long = 'aZ3kQ9xV7bN2mW8pR5tY1uE6cD4gH0jL5tY1uE6c'
const kept = KnownValues.of(['nope-secret-123', 'e9abcdefgh-77', 'q"uo\\te-secret-9'])

function left(json: string): string {
  return mask(Buffer.from(json), true, kept)?.bytes.toString('utf8') ?? json
}

describe('what is masked', () => {
  it.each([
    `"a\\npm_${long.slice(0, 35)}"`,
    `"a\\nope-secret-123"`,
    `"a\\u00e9abcdefgh-77"`,
    `"a\\\\nope-secret-123"`,
    `"\\nB38Q~${long.slice(0, 34)}"`,
  ])('cuts no escape: %s', (json) => expect(JSON.parse(left(json))).toBe(JSON.parse(json)))

  it('leaves JSON, and text and structure that say the same, whatever stands beside what', () => {
    const pieces = [
      ...[
        '"',
        '\\',
        '\n',
        ' ',
        '=',
        ':',
        "'",
        '{',
        '}',
        ',',
        '\u00e9',
        '-----BEGIN PRIVATE KEY-----',
        '-----END PRIVATE KEY-----',
        '@',
        '://',
      ],
      ...['password', 'API_KEY', 'token', 'a1b2c3d4e5f6g7h8', `ghp_${long.slice(0, 36)}`, `npm_${long.slice(0, 36)}`, 'Bearer ', 'u', 'n'],
      ...[`eyJ${long}.eyJ${long}.${long}`, 'nope-secret-123', 'q"uo\\te-secret-9', long + long, 'hunter2x'],
    ]
    let seed = 7
    const chance = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
      return Math.floor((seed / 2_147_483_648) * below)
    }
    const text = (): string => Array.from({ length: chance(9) }, () => pieces[chance(pieces.length)]).join('')
    for (let n = 0; n < 4_000; n += 1) {
      const value = { [`${text()}x`]: text(), password: text(), list: [text(), { api_key: text() }] }
      const json = JSON.stringify({ content: [{ type: 'text', text: JSON.stringify(value) }], structuredContent: value })
      const masked = left(json)
      const { content, structuredContent } = JSON.parse(masked)
      expect(JSON.parse(content[0].text), json).toEqual(structuredContent)
    }
  })
})
