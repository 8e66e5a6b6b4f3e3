import { describe, expect, it } from 'vitest'
import { byExactness, readSelector, selects } from './selector.ts'

const chosen = (text: string, upstream: string, name: string): boolean => selects(readSelector(text), upstream, name)

describe('a selector', () => {
  it.each([
    ['*', 'any', 'thing', true],
    ['up', 'up', 'thing', true],
    ['up', 'upper', 'thing', false],
    ['up/*', 'up', 'thing', true],
    ['up/get_*', 'up', 'get_', true],
    ['up/get_*', 'up', 'get', false],
    ['up/get_*', 'other', 'get_a', false],
    ['up/a/b', 'up', 'a/b', true],
    ['up/a*b', 'up', 'a*b', true],
    ['up/a*b', 'up', 'axb', false],
    ['up/get', 'up', 'GET', false],
  ])('%s of %s/%s: %s', (text, upstream, name, expected) => {
    expect(chosen(text, upstream, name)).toBe(expected)
  })

  it('is the more exact the less it leaves open', () => {
    const inOrder = ['*', 'up', 'up/*', 'up/a*', 'up/abc*', 'up/a']
    const mixed = [5, 2, 4, 0, 3, 1].map((index) => inOrder[index] as string)
    expect(mixed.sort((a, b) => byExactness(readSelector(a), readSelector(b)))).toEqual(inOrder)
  })
})
