import { expect, it } from 'vitest'
import type { Presented } from '../../core/ports/gateway.ts'
import { shownBy } from './presented-token.ts'

const shown = (...lines: string[]) => shownBy({ headers: new Map([['authorization', lines]]) } as unknown as Presented)

it.each([
  ['Bearer a.b.c', { scheme: 'bearer', token: 'a.b.c' }],
  ['bearer a.b.c', { scheme: 'bearer', token: 'a.b.c' }],
  ['Bearer   a.b.c', { scheme: 'bearer', token: 'a.b.c' }],
  ['Bearer a.b.c ', { scheme: 'bearer', token: 'a.b.c' }],
  ['DPoP a.b.c', { scheme: 'dpop', token: 'a.b.c' }],
  ['Bearer', undefined],
  ['Bearer ', undefined],
  ['', undefined],
])('reads %j', (line, read) => {
  expect(shown(line)).toEqual(read)
})

it.each([
  ['two words', 'Bearer a b'],
  ['a tab', 'Bearer a\tb'],
  ['white space that is no ASCII', 'Bearer a\u00a0b'],
  ['another scheme', 'Basic YTpi'],
  ['a scheme that begins like it', 'Bearers a.b.c'],
  ['more than is looked into', `Bearer ${'a'.repeat(8_193)}`],
])('a line with %s is no token', (_what, line) => {
  expect(shown(line)).toHaveProperty('useless')
})

it('the longest that is looked into is read', () => {
  expect(shown(`Bearer ${'a'.repeat(8_192)}`)).toEqual({ scheme: 'bearer', token: 'a'.repeat(8_192) })
})

it('two lines are malformed', () => {
  expect(shown('Bearer a', 'Bearer a')).toHaveProperty('malformed')
})
