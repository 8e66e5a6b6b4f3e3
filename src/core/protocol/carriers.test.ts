import { describe, expect, it } from 'vitest'
import { payloadOf } from '../call/payload.ts'
import { carriedIn, targetOf } from './carriers.ts'

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

  it('know the single target of a method', () => {
    expect(['tools/call', 'resources/read', 'tasks/get', 'completion/complete', 'tools/list'].map(targetOf)).toEqual([
      'tool',
      'uri',
      'task',
      undefined,
      undefined,
    ])
  })
})
