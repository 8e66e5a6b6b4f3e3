import { describe, expect, it } from 'vitest'
import { payloadOf } from '../call/payload.ts'
import { carriedIn, strayTargets, targetOf, targetValue } from './carriers.ts'

describe('carriers', () => {
  it.each([
    ['request', 'tools/call', { name: 't', arguments: { name: 'x' } }, [['tool', 't']]],
    ['request', 'prompts/get', { name: 'p' }, [['prompt', 'p']]],
    ['request', 'resources/read', { uri: 'a:1' }, [['uri', 'a:1']]],
    ['request', 'completion/complete', { ref: { type: 'ref/prompt', name: 'p' } }, [['prompt', 'p']]],
    ['request', 'completion/complete', { ref: { type: 'ref/resource', uri: 'a:{x}' } }, [['uri', 'a:{x}']]],
    [
      'request',
      'subscriptions/listen',
      { notifications: { resourceSubscriptions: ['a:1', 7, 'a:2'], taskIds: ['t'] } },
      [
        ['uri', 'a:1'],
        ['uri', 'a:2'],
        ['task', 't'],
      ],
    ],
    ['request', 'tasks/get', { taskId: '7' }, [['task', '7']]],
    ['result', 'tools/call', { resultType: 'task', taskId: '7' }, [['task', '7']]],
    ['notification', 'notifications/tasks', { taskId: '7' }, [['task', '7']]],
    ['request', 'tools/list', { name: 't' }, []],
    ['request', 'constructor', { name: 't' }, []],
    ['request', 'tools/call', { name: 5 }, []],
    ['request', 'tools/call', null, []],
    ['request', 'completion/complete', { ref: [] }, []],
  ] as const)('%s %s %j', (direction, method, message, expected) => {
    expect(carriedIn(direction, method, message).map(({ carries, value }) => [carries, value])).toEqual(expected)
  })

  it('give paths that an edit takes', () => {
    const params = payloadOf({ notifications: { resourceSubscriptions: ['a', 'b'] } })
    const edits = carriedIn('request', 'subscriptions/listen', params.json()).map(({ path, value }) => ({
      path,
      value: JSON.stringify(`${value}!`),
    }))
    expect(JSON.parse(Buffer.from(params.edit(edits).bytes).toString())).toEqual({ notifications: { resourceSubscriptions: ['a!', 'b!'] } })
  })

  it.each([
    ['tools/call', { name: 't', uri: 'a:1', arguments: { uri: 'x' } }, ['name'], 't', [['uri']]],
    ['resources/read', { name: 't', uri: 'a:1', taskId: null, ref: {}, title: 'x' }, ['uri'], 'a:1', [['name'], ['taskId'], ['ref']]],
    ['tasks/get', { name: 't' }, ['taskId'], undefined, [['name']]],
    ['resources/subscribe', { uri: 5 }, ['uri'], undefined, []],
    ['completion/complete', { ref: { type: 'ref/prompt', name: 'p', uri: 'a:1' } }, ['ref', 'name'], 'p', [['ref', 'uri']]],
    [
      'completion/complete',
      { ref: { type: 'ref/resource', name: 'p', uri: 'a:1' }, uri: 1 },
      ['ref', 'uri'],
      'a:1',
      [['uri'], ['ref', 'name']],
    ],
  ] as const)('know the one target of %s %j, and what else could be taken for one', (method, params, path, value, stray) => {
    const target = targetOf(method, params)
    expect(target?.path).toEqual(path)
    if (target === undefined) return
    expect(targetValue(target, params)).toBe(value)
    expect(strayTargets(target, params)).toEqual(stray)
  })

  it.each([
    ['tools/list', { name: 't' }],
    ['subscriptions/listen', { notifications: { resourceSubscriptions: ['a'] } }],
    ['completion/complete', { ref: { type: 'ref/other', name: 'p' } }],
    ['completion/complete', { ref: { name: 'p' } }],
    ['completion/complete', { ref: [] }],
    ['constructor', { name: 't' }],
  ])('know that %s %j has none', (method, params) => {
    expect(targetOf(method, params)).toBeUndefined()
  })
})
