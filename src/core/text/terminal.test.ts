import { describe, expect, it } from 'vitest'
import fc from '../../../test/property.ts'
import { forTerminal, jsonForTerminal, onOneLine } from './terminal.ts'

describe('text of strangers on a terminal', () => {
  it.each([
    ['a colour', '\u001b[31mred', '\\u001b[31mred'],
    ['a title by OSC', '\u001b]0;owned\u0007', '\\u001b]0;owned\\u0007'],
    ['a C1 introducer', '\u009b2J', '\\u009b2J'],
    ['DEL and backspace', 'a\u007f\b', 'a\\u007f\\u0008'],
    ['a carriage return that overwrites', 'failed\rok    ', 'failed\\u000dok    '],
    ['an override of direction', 'exe.\u202etxt', 'exe.\\u202etxt'],
    ['an isolate and a mark', '\u2066x\u2069\u200f', '\\u2066x\\u2069\\u200f'],
  ])('%s is shown and does nothing', (_, text, shown) => {
    expect(forTerminal(text)).toBe(shown)
  })

  it('leaves what people write as it is', () => {
    for (const text of ['', 'Grüße, 世界 👩‍👩‍👧', 'a\tb\nc', 'עברית']) expect(forTerminal(text)).toBe(text)
    expect(forTerminal('a\r\nb\u0007')).toBe('a\nb\\u0007')
    expect(onOneLine('a\r\nb\nc')).toBe('a\\nb\\nc')
  })

  it('keeps the value of JSON', () => {
    const property = fc.property(fc.jsonValue(), fc.string({ unit: 'binary' }), (value, text) => {
      const json = JSON.stringify({ value, text })
      expect(JSON.parse(jsonForTerminal(json))).toEqual(JSON.parse(json))
    })
    fc.assert(property)
    expect(jsonForTerminal('{\r\n"a":"\u009b\u202e"}')).toBe('{\r\n"a":"\\u009b\\u202e"}')
  })
})
