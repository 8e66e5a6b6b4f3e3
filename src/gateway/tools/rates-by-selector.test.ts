import { describe, expect, it } from 'vitest'
import { anItem } from '../../../test/doubles/gateway/samples.ts'
import { ratesBySelector } from './rates-by-selector.ts'
import { promptsSettings, resourcesSettings } from './settings.ts'

function rates(resources: unknown, prompts: unknown = {}) {
  const of = ratesBySelector(promptsSettings.parse(prompts), resourcesSettings.parse(resources))
  return {
    resource: (name: string, within?: string, upstream = 'up') =>
      of?.(anItem({ kind: 'resource', upstream, name, ...(within === undefined ? {} : { within }) })),
    prompt: (name: string) => of?.(anItem({ kind: 'prompt', name })),
    tool: (name: string) => of?.(anItem({ kind: 'tool', name })),
    of,
  }
}

const most = (found: { readonly rates: { readonly rate?: { readonly most: number } | undefined } } | undefined) => found?.rates.rate?.most

describe('the rates of prompts and resources', () => {
  it('are those of the more exact selector, key by key, and of nothing else', () => {
    const { prompt, tool, resource } = rates({}, { 'up/review': { rate: '1/s' }, 'up/*': { rate: '2/s', ratePerRun: '3/s' } })
    expect(prompt('review')).toMatchObject({
      kind: 'prompt',
      name: 'review',
      rates: { rate: { most: 1 }, ratePerRun: { most: 3 }, ratePerPrincipal: undefined },
    })
    expect(most(prompt('other'))).toBe(2)
    expect(tool('review')).toBeUndefined()
    expect(resource('review')).toBeUndefined()
    expect(rates({}).of).toBeUndefined()
  })

  it('hold for each resource of a list by itself', () => {
    const { resource } = rates({ 'up/file:///*': { rate: '1/s' } })
    expect(resource('file:///a')).toMatchObject({ name: 'file:///a' })
    expect(resource('file:///a')?.key).not.toBe(resource('file:///b')?.key)
    expect(resource('file:///a', undefined, 'other')).toBeUndefined()
  })

  it('hold for all that comes from a template together, by the URI and by the text of the template', () => {
    const { resource } = rates({ 'up/db://orders/*': { rate: '1/s' }, 'up/db://{table}/{id}': { rate: '2/s' } })
    const template = 'db://{table}/{id}'
    expect(resource('db://orders/1', template)).toMatchObject({ name: template })
    expect(resource('db://orders/1', template)?.key).toBe(resource('db://orders/2', template)?.key)
    expect(most(resource('db://users/1', template))).toBe(2)
    // Other rates are counted by themselves.
    expect(resource('db://users/1', template)?.key).not.toBe(resource('db://orders/1', template)?.key)
    expect(resource('db://users/1', template)?.key).toBe(resource('db://users/2', template)?.key)
    expect(resource('log://users/1', 'log://{name}')).toBeUndefined()
  })

  it('hold for all that no list has by what selects it, however many URIs are made up', () => {
    const { resource } = rates({ 'up/log://*': { rate: '5/s' }, 'up/log://old/*': { rate: '1/s' }, up: { ratePerRun: '9/s' } })
    const keys = new Set<string | undefined>()
    for (let i = 0; i < 1_000; i += 1) {
      for (const uri of [`log://${i}`, `log://old/${i}`, `file:///${i}`]) keys.add(resource(uri, '')?.key)
    }
    expect(keys.size).toBe(3)
    expect(resource('log://old/7', '')).toMatchObject({ name: 'up/log://old/*', rates: { rate: { most: 1 }, ratePerRun: { most: 9 } } })
  })
})
