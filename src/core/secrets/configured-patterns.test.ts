import { describe, expect, it } from 'vitest'
import { ConfiguredPatterns, problemOfPattern } from './configured-patterns.ts'

describe('patterns of configuration', () => {
  it('redact what one of them matches, in letters of either case where they say so', () => {
    const patterns = new ConfiguredPatterns(['CUST-\\d{4,6}', '(?i)projekt [a-zäöü]+', '^whole$'])
    expect(patterns.replace('CUST-12345, CUST-99999 of Projekt Öl; whole', '[x]')).toBe('[x], [x] of [x]; whole')
    expect(patterns.replace('PROJEKT titan', '[x]')).toBe('[x]')
    expect(patterns.replace('whole', '[x]')).toBe('[x]')
  })

  it('take linear time whatever text comes', () => {
    const patterns = new ConfiguredPatterns(['(a+)+b', '(x|xx)*y'])
    const text = 'a'.repeat(20_000) + 'x'.repeat(20_000)
    expect(patterns.replace(text, '')).toBe(text)
  })

  it.each([
    ['(?<=id: )\\d+', /looks ahead or behind/],
    ['\\d+(?! USD)', /looks ahead or behind/],
    ['(a)\\1', /refers back to a group/],
    ['[a-', /is no regular expression \(/],
    ['(?:a{1000}){1000}', /is too large|no regular expression/],
    ['x*', /matches the empty text/],
    ['a'.repeat(1_001), /is longer than/],
    ['\\Ba', /not known to mean the same/],
  ])('are refused with the reason: %.20s', (pattern, reason) => {
    expect(problemOfPattern(pattern)).toMatch(reason)
  })
})
