import { RE2JS } from 're2js'
import { describe, expect, it } from 'vitest'
import fc from '../../../test/property.ts'
import { linearForm } from './linear-pattern.ts'

function translated(pattern: string): RE2JS {
  const form = linearForm(pattern)
  if (form === undefined) throw new Error(`${pattern} has no linear form`)
  return RE2JS.compile(form)
}

describe('a pattern in linear form', () => {
  it.each([
    ['^\\d{3}\\-\\d{4}$', ['555-1234'], ['555-123']],
    ['^\\S+@\\S+\\.[a-z]{2,}$', ['a@b.ch'], ['a b@c.ch', 'a\u00a0b@c.ch']],
    ['^.$', ['a', '\u{1F600}'], ['\n', '\r', '\u2028', 'ab']],
    ['^[]$', [], ['', 'a']],
    ['^[^]$', ['\n', 'a'], ['']],
    ['^[[:alpha:]]$', ['a]', ':]', '[]'], ['b', 'q]']],
    ['^[\\w-]+$', ['a-b_c'], ['a.b']],
    ['^\\u0041\\x42\\cA$', ['AB\u0001'], ['AB']],
    ['^\\uD83D\\uDE00$', ['\u{1F600}'], ['\u{1F601}']],
    ['^\\p{Lu}\\p{Script=Greek}$', ['A\u03b1'], ['aA']],
    ['^(?<year>\\d{4})$', ['2026'], ['26']],
    ['a|^$', ['', 'xax'], ['x']],
    ['^\\d+\\-[\\w.]$', ['1-a', '12-.'], ['1-\u{1F600}', 'a-1']],
    ['^\\s$', ['\ufeff', '\u2003', '\v'], ['\u200b']],
  ])('means what it means in ECMA-262: %s', (pattern, taken, refused) => {
    const program = translated(pattern)
    for (const text of taken) expect(program.test(text), JSON.stringify(text)).toBe(true)
    for (const text of refused) expect(program.test(text), JSON.stringify(text)).toBe(false)
  })

  it.each([
    '(?i)abc',
    '(?P<y>\\d)',
    '^(?<q>[ab])\\k<q>$',
    '^([ab])\\1$',
    '(?=a)b',
    '(?<!a)b',
    '\\Aabc\\z',
    '\\Qabc\\E',
    '\\pL',
    '\\p{L}[\\-a]\\-',
    '\\a',
    '\\B',
    '\\x{41}',
    '\\u{41}\\-',
    '\\uD83D',
    '\ud83d',
    '(?:^)*(',
    '^*a',
    '\\07',
    '(',
    '*',
    '(?x: a b )',
    '(?>a)',
    'a++',
    '\u{1F600}?]',
    '[\u{1F600}]\\-',
    '^.\\-',
    '^\\S\\-',
    '[^a]\\-',
    '[\\D]\\-',
  ])('is not had of what another engine could read differently: %s', (pattern) => {
    expect(linearForm(pattern)).toBeUndefined()
  })

  it('takes and refuses the same texts as the engine of JavaScript', () => {
    const piece = fc.constantFrom(
      ...[
        'a',
        'b',
        '-',
        '.',
        '^',
        '$',
        '|',
        '(',
        '(?:',
        '(?<n>',
        ')',
        '*',
        '+',
        '?',
        '{2}',
        '{1,}',
        '{,2}',
        '[',
        '[^',
        ']',
        '\\d',
        '\\D',
        '\\w',
      ],
      ...[
        '\\W',
        '\\s',
        '\\S',
        '\\b',
        '\\B',
        '\\-',
        '\\.',
        '\\]',
        '\\n',
        '\\0',
        '\\cJ',
        '\\x61',
        '\\u0062',
        '\\u{61}',
        '\\p{L}',
        '\\P{Lu}',
        '\\1',
      ],
      ...['\\k<n>', '\\a', '\\A', '\\z', '[:alpha:]', '&&', '~', 'A', '_', ' ', '\u00e9', '\u{1F600}', '}', '{', ']', '-z', '9'],
    )
    const text = fc.string({
      unit: fc.constantFrom('a', 'b', 'A', '-', ' ', '\n', '\u00a0', '\u2028', '9', '_', ']', '\u00e9', '\u{1F600}', ':', '.'),
      maxLength: 4,
    })
    let compared = 0
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 7 }), fc.array(text, { minLength: 8, maxLength: 8 }), (pieces, texts) => {
        const pattern = pieces.join('')
        const form = linearForm(pattern)
        if (form === undefined) return
        compared += 1
        const [ours, theirs] = [RE2JS.compile(form), engine(pattern)]
        for (const one of texts) expect([pattern, one, ours.test(one)]).toEqual([pattern, one, theirs.test(one)])
      }),
      { numRuns: 4_000 },
    )
    expect(compared).toBeGreaterThan(400)
  })
})

function engine(pattern: string): RegExp {
  try {
    return new RegExp(pattern, 'u')
  } catch {
    return new RegExp(pattern)
  }
}
