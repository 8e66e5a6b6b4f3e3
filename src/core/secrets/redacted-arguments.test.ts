import { describe, expect, it } from 'vitest'
import { clean, cleanArguments } from '../../../test/redaction/corpus.ts'
import { KnownValues } from './known-values.ts'
import { mostRedactedBytes, redactedArguments } from './redacted-arguments.ts'
import { Redaction } from './redaction.ts'

const redaction = new Redaction({ keys: [], patterns: [] })
const shown = (value: unknown, rules = redaction): string => redactedArguments(Buffer.from(JSON.stringify(value)), rules)
const read = (value: unknown, rules = redaction): unknown => JSON.parse(shown(value, rules))
const chance = 'aZ3kQ9xV7bN2mW8pR5tY1uE6cD4gH0jL'

describe('what is shown of arguments', () => {
  it('is their very text where nothing is sensitive, spelling and spaces included', () => {
    const text = ' { "q" : "status = \\"open\\" \\n\\t über", "n":1.0e3, "big": 9007199254740993, "a":[true,null,{}], "a":[] } '
    expect(redactedArguments(Buffer.from(text), redaction)).toBe(text.trim())
    for (const value of cleanArguments) expect(read(value)).toEqual(value)
  })

  it('has words in the place of what is sensitive by its name, at any depth, and keeps what opens nothing', () => {
    const value = {
      user: 'bob',
      auth: { apiKey: 'a', tokens: ['b', 'c', 1200], 'x-api-key': 7, ok: true, none: null, empty: '' },
      cards: [{ card_number: 1, cvv: 737 }],
    }
    expect(read(value)).toEqual({
      user: 'bob',
      auth: {
        apiKey: '[redacted:authorization]',
        tokens: ['[redacted:authorization]', '[redacted:authorization]', 1200],
        'x-api-key': '[redacted:authorization]',
        ok: true,
        none: null,
        empty: '',
      },
      cards: [{ card_number: '[redacted:payment_card]', cvv: '[redacted:card_code]' }],
    })
  })

  it('has words in the place of what is sensitive by its form, in texts, in JSON within texts, in numbers and in names', () => {
    const token = `ghp_${chance}aZ3k`
    const value = {
      text: `mail anna@example.org or +4915112345678 with ${token}`,
      inner: JSON.stringify({ password: 'hunter22x', deep: JSON.stringify({ mail: 'anna@example.org' }) }),
      card: 4111111111111111,
      'anna@example.org': 1,
    }
    expect(read(value)).toEqual({
      text: 'mail [redacted:email] or [redacted:phone] with [redacted:github_token]',
      inner: JSON.stringify({ password: '[redacted:named_secret]', deep: JSON.stringify({ mail: '[redacted:email]' }) }),
      card: '[redacted:payment_card]',
      '[redacted:email]': 1,
    })
  })

  it('does not depend on how characters are escaped', () => {
    expect(redactedArguments(Buffer.from('{"a":"anna\\u0040example.org \\u002B4915112345678","pass\\u0077ord":"x"}'), redaction)).toBe(
      '{"a":"[redacted:email] [redacted:phone]","pass\\u0077ord":"[redacted:password]"}',
    )
  })

  it('has none of the values that are known, those that came later too, nor what configuration names', () => {
    const issued = KnownValues.of([])
    const rules = new Redaction({ keys: ['internal-note'], patterns: ['^CUST-\\d{6}$', '(?i)projekt [a-z]+'] }, [
      KnownValues.of(['a-quiet-value-1']),
      issued,
    ])
    const value = { a: 'it is a-quiet-value-1', b: 'it is quieter-by-far-2', internalNote: 'x', c: 'CUST-123456', d: 'of PROJEKT Titan' }
    issued.add(['quieter-by-far-2'])
    expect(read(value, rules)).toEqual({
      a: 'it is [redacted:known_secret]',
      b: 'it is [redacted:known_secret]',
      internalNote: '[redacted:configured]',
      c: '[redacted:configured]',
      d: 'of [redacted:configured]',
    })
    expect(read({ c: 'no CUST-123456' }, rules)).toEqual({ c: 'no CUST-123456' })
  })

  it('keeps what looks as if it were made by chance where its name says that it is an id', () => {
    expect(read({ fileId: chance, id: chance, note: chance })).toEqual({ fileId: chance, id: chance, note: '[redacted:high_entropy]' })
  })
})

describe('what is long, deep or much is cut, and said to be', () => {
  const hostile: readonly (readonly [string, string])[] = [
    ['a text of 1 MiB', JSON.stringify({ content: 'word '.repeat(200_000), path: '/tmp/x' })],
    ['a token of 1 MiB', JSON.stringify({ content: chance.repeat(30_000), path: '/tmp/x' })],
    ['a text of escapes', `{"a":"${'\\u00e9'.repeat(100_000)}"}`],
    ['a text of lone surrogates', `{"a":"${'\\ud83d'.repeat(10_000)}"}`],
    ['a text of emoji', JSON.stringify({ a: '😀'.repeat(10_000) })],
    ['a name of 1 MiB', JSON.stringify({ ['k'.repeat(1_000_000)]: 1 })],
    ['a name of controls', `{"${'\\u0001'.repeat(5_000)}":1}`],
    ['many members', JSON.stringify(Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`k${n}`, n])))],
    ['many elements', JSON.stringify(Array.from({ length: 100_000 }, (_, n) => n))],
    ['many long texts', JSON.stringify(Array.from({ length: 300 }, () => 'ä'.repeat(3_000)))],
    ['many names that redact', JSON.stringify(Array.from({ length: 2_000 }, () => ({ password: 1 })))],
    ['just too much once it is redacted', JSON.stringify(Array.from({ length: 60 }, () => ({ password: 1, note: 'x'.repeat(40) })))],
    ['deep objects', `${'{"a":'.repeat(400)}1${'}'.repeat(400)}`],
    ['wide levels within each other', `${`{"b":"${'x'.repeat(400)}","a":`.repeat(50)}1${'}'.repeat(50)}`],
    ['a number of 1 MiB', `[${'9'.repeat(1_000_000)}]`],
    ['equal names', `{${Array.from({ length: 5_000 }, () => '"a":"anna@example.org"').join()}}`],
    ['all at signs', JSON.stringify({ a: '@'.repeat(1_000_000) })],
    ['all digits', JSON.stringify({ a: '1 '.repeat(500_000) })],
    ['all colons', JSON.stringify({ a: 'token:'.repeat(200_000) })],
  ]
  it.each(hostile.map(([what]) => what))('%s', (what) => {
    const json = new Map(hostile).get(what) ?? ''
    const text = redactedArguments(Buffer.from(json), redaction)
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(mostRedactedBytes)
    expect(() => JSON.parse(text)).not.toThrow()
    expect(text).toMatch(/…|\[redacted:|\[object\]|\[number of/)
    expect(text).not.toContain('anna@')
  })

  it('with its length, and what stands behind it', () => {
    expect(read({ content: 'word '.repeat(200_000), path: '/tmp/x' })).toEqual({
      content: `${'word '.repeat(103).slice(0, 512)}…[1000000 bytes]`,
      path: '/tmp/x',
    })
    expect(read(Array.from({ length: 1_000 }, () => 1))).toEqual([...Array.from({ length: 64 }, () => 1), '… [936 more]'])
    expect(read(Object.fromEntries(Array.from({ length: 66 }, (_, n) => [`k${n}`, 1])))).toMatchObject({ k63: 1, '…': '[2 more]' })
  })

  it('and no secret is cut in two where a text is', () => {
    for (let before = 440; before < 520; before += 7) {
      const text = shown({
        a: `${'. '.repeat(before / 2)}eyJ${chance.repeat(9)}.eyJ${chance.repeat(200)}.${chance.repeat(2)} ${'. '.repeat(9_000)}`,
      })
      expect(text).not.toContain('aZ3k')
    }
  })

  it.each([
    ['{"a":', 'no JSON'],
    ['', 'no JSON'],
    ['{"a":1}}', 'no JSON'],
    ['{"password":"x"', 'no JSON'],
    ['['.repeat(100_000), 'nested too deep'],
    ['\u0000', 'no JSON'],
  ])('what is no JSON is told by its size: %.20s', (text, why) => {
    expect(redactedArguments(Buffer.from(text), redaction)).toBe(`"[${Buffer.byteLength(text)} bytes: ${why}]"`)
  })

  it('nor what is no UTF-8', () => {
    expect(redactedArguments(Buffer.from([0x22, 0xff, 0xfe, 0x22]), redaction)).toBe('"[4 bytes: no UTF-8]"')
  })
})

it('texts without anything sensitive stay as they are', () => {
  const kept = clean.filter((text) => redaction.text(text) === text)
  // What is taken for sensitive all the same is counted in docs/redaction.md.
  expect(kept.length / clean.length).toBeGreaterThan(0.95)
  for (const note of kept) expect(read({ note })).toEqual({ note })
})
