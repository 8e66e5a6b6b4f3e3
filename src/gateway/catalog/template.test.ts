import { describe, expect, it } from 'vitest'
import fc from '../../../test/property.ts'
import { parseTemplate } from './template.ts'

function matches(template: string, uri: string): boolean {
  const parsed = parseTemplate(template)
  if (typeof parsed === 'string') throw new Error(parsed)
  return parsed.matches(uri)
}

describe('URI templates', () => {
  it.each([
    ['test://template/{id}/data', 'test://template/7/data', true],
    ['test://template/{id}/data', 'test://template/7/8/data', false],
    ['test://template/{id}/data', 'test://template/7/other', false],
    ['file:///{+path}', 'file:///a/b/c.txt', true],
    ['{+a}/{b}', 'p/q/r', true],
    ['note://{name}', 'note://x', true],
    ['note://{name}', 'note://x/y', false],
    ['docs://{path*}', 'docs://a/b/c', true],
    ['repo://{owner}/{repo}{/path*}', 'repo://me/it', true],
    ['repo://{owner}/{repo}{/path*}', 'repo://me/it/src/main.ts', true],
    ['search://q{?text,limit}', 'search://q', true],
    ['search://q{?text,limit}', 'search://q?text=a&limit=5', true],
    ['search://q{?text,limit}', 'search://q&text=a', false],
    ['page://x{#part}', 'page://x#top', true],
    ['fixed://one', 'fixed://one', true],
    ['fixed://one', 'fixed://one/two', false],
    ['x://{a:3}.{b}', 'x://abc.def', true],
  ])('%s and %s: %s', (template, uri, expected) => {
    expect(matches(template, uri)).toBe(expected)
  })

  it.each(['a{b', 'a}b', 'a{}', 'a{b c}', 'a{!x}', 'x'.repeat(2_000)])('says why %s is none', (text) => {
    expect(typeof parseTemplate(text)).toBe('string')
  })

  it('matches what its variables expand to', () => {
    const value = fc.stringMatching(/^[A-Za-z0-9_~.-]{1,20}$/)
    fc.assert(
      fc.property(value, value, value, (a, b, c) => {
        expect(matches('x://{a}/mid/{b}/{+c}', `x://${a}/mid/${b}/${c}`)).toBe(true)
      }),
    )
  })

  it('takes no longer for what a backtracking matcher would choke on', () => {
    expect(matches(`${'{+a}'.repeat(200)}!`, 'a'.repeat(8_000))).toBe(false)
  })
})
