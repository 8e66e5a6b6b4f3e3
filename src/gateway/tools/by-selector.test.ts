import { describe, expect, it } from 'vitest'
import { unconfigured } from '../../core/call/tool-settings.ts'
import { toolsBySelector } from './by-selector.ts'
import { toolsSettings } from './settings.ts'

describe('of several selectors that select a tool', () => {
  // In the order that is least like that of exactness: only exactness decides.
  const tools = toolsBySelector({
    'up/get_one': { idempotent: true },
    'up/get_*': { idempotent: false },
    'up/*': { retry: 'reads' },
    up: { idempotent: true, retry: 'never' },
    '*': { retry: 'never' },
  })
  it.each([
    ['up', 'get_one', { idempotent: true, retry: 'reads' }],
    ['up', 'get_two', { idempotent: false, retry: 'reads' }],
    ['up', 'set', { idempotent: true, retry: 'reads' }],
    ['other', 'get_one', { idempotent: undefined, retry: 'never' }],
  ])('the more exact one wins key by key: %s/%s', (upstream, tool, expected) => {
    expect(tools.settingsOf(upstream, tool)).toEqual({ ...unconfigured, ...expected })
  })

  it('a tool that none selects has what holds without configuration', () => {
    expect(toolsBySelector({ 'up/a': { retry: 'never' } }).settingsOf('up', 'b')).toBe(unconfigured)
  })
})

describe('a selector that selects no tool of its server', () => {
  const tools = toolsBySelector({ 'up/wirte': {}, 'up/delete_*': {}, 'up/read': {}, up: {}, '*': {}, 'other/wirte': {} })
  it('is told, with what may have been meant', () => {
    expect(tools.unmatched('up', ['write', 'read'])).toEqual([
      { selector: 'up/wirte', candidates: ['up/write'] },
      { selector: 'up/delete_*', candidates: [] },
    ])
    expect(tools.unmatched('quiet', [])).toEqual([])
  })
})

describe('the form of a selector', () => {
  it.each(['*', 'up', 'up/name', 'up/name/with/slashes', 'up/start*', 'up/*'])('%s', (text) => {
    expect(toolsSettings.safeParse({ [text]: { retry: 'never' } }).success).toBe(true)
  })
  // Each would silently select nothing.
  it.each(['', '/', 'up/', '/name', '*/name', 'up/*_end', 'up/a*b*', 'up*', '**', 'up /name'])('not %j', (text) => {
    expect(toolsSettings.safeParse({ [text]: { retry: 'never' } }).success).toBe(false)
  })
})
