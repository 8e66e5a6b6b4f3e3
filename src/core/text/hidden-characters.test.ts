import { describe, expect, it } from 'vitest'
import { shown } from './hidden-characters.ts'

const tags = (text: string) => [...text].map((one) => String.fromCodePoint(0xe0000 + one.charCodeAt(0))).join('')

describe('characters that cannot be seen', () => {
  it.each([
    ['tags', `hi${tags('AB')}`, 'hi\\u{E0041}\\u{E0042}'],
    ['a space without width', 'pass\u200bword', 'pass\\u{200B}word'],
    ['an order of reading that is turned', 'a\u202eb', 'a\\u{202E}b'],
    ['controls', 'a\u0008b\u0000', 'a\\u{0008}b\\u{0000}'],
    ['selectors that spell', 'a\ufe01\ufe02\ufe03', 'a\ufe01\\u{FE02}\\u{FE03}'],
    ['selectors of the supplement', '😀\u{e0101}\u{e0110}', '😀\u{e0101}\\u{E0110}'],
    ['a joiner between Latin letters', 'a\u200db', 'a\\u{200D}b'],
    [
      'tags behind a flag that is none',
      `🏴${tags('ignore all of it')}`,
      `🏴${[...'ignore all of it'].map((c) => `\\u{E00${c.charCodeAt(0).toString(16).toUpperCase()}}`).join('')}`,
    ],
  ])('are written out: %s', (_, text, out) => expect(shown(text).text).toBe(out))

  it.each([
    ['families and professions', '👨‍👩‍👧‍👦 👩🏽‍💻 ❤️‍🔥 🏳️‍🌈'],
    ['flags', '🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f} 🇩🇪'],
    ['signs as pictures and as text', '☺️ ☺︎ 1️⃣'],
    ['Persian', 'می‌خواهم کتاب‌ها را'],
    ['Hindi', 'क्‍ष क्‌ष'],
    ['Malayalam and Sinhala', 'ന്‍ ශ්‍රී'],
    ['a mark of the order of bytes', '\ufeffname,value'],
    ['soft hyphens and marks of direction', 'Donau\u00addampf \u200fעברית\u200e'],
    ['colours of a terminal', '\u001b[31mred\u001b[0m'],
    ['lines and tabs', 'a\tb\r\nc'],
  ])('stay where they are at home: %s', (_, text) => expect(shown(text)).toEqual({ text, count: 0 }))
})
