import { describe, expect, it } from 'vitest'
import { unconfigured } from '../../core/call/tool-settings.ts'
import { toolsBySelector } from './by-selector.ts'
import { promptsSettings, resourcesSettings, toolsSettings } from './settings.ts'

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

describe('a selector that selects nothing of its server', () => {
  const tools = toolsBySelector(
    { 'up/wirte': {}, 'up/delete_*': {}, 'up/read': {}, up: {}, '*': {}, 'other/wirte': {} },
    {
      prompts: { 'up/reveiw': {}, 'up/*': {}, up: {} },
      resources: { 'up/file:///a': {}, 'up/file:///b': {}, 'up/log://*': {}, 'up/log://today': {}, 'up/db:*': {} },
    },
  )
  const nothing = { tools: undefined, prompts: undefined, resources: undefined, templates: undefined }
  it('is told, with what may have been meant', () => {
    expect(tools.unmatched('up', { ...nothing, tools: ['write', 'read'] })).toEqual([
      { key: 'tools', selector: 'up/wirte', candidates: ['up/write'] },
      { key: 'tools', selector: 'up/delete_*', candidates: [] },
    ])
    expect(tools.unmatched('up', { ...nothing, prompts: ['review'] })).toEqual([
      { key: 'prompts', selector: 'up/reveiw', candidates: ['up/review'] },
    ])
    expect(tools.unmatched('quiet', { tools: [], prompts: [], resources: [], templates: [] })).toEqual([])
    expect(tools.unmatched('up', nothing)).toEqual([])
  })

  it('may select resources that come from a template, so that both lists have to be known', () => {
    const resources = ['file:///a']
    expect(tools.unmatched('up', { ...nothing, resources })).toEqual([])
    const told = tools.unmatched('up', { ...nothing, resources, templates: ['log://{day}'] })
    expect(told.map(({ selector }) => selector)).toEqual(['up/file:///b', 'up/db:*'])
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

it('prompts and resources have rates and nothing else', () => {
  for (const settings of [promptsSettings, resourcesSettings]) {
    expect(settings.safeParse({ 'up/a': { rate: '5/s', ratePerPrincipal: '2/s', ratePerRun: '1/s' } }).success).toBe(true)
    expect(settings.safeParse({ 'up/a': { retry: 'never' } }).success).toBe(false)
    expect(settings.safeParse({ 'up/a*b': { rate: '5/s' } }).success).toBe(false)
  }
})
