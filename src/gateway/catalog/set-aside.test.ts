import { describe, expect, it } from 'vitest'
import { bench, callOf, exchangeOf, faultOf, resultOf, shown } from '../../../test/doubles/gateway/catalog-rig.ts'
import { ScriptedUpstream, tool } from '../../../test/doubles/gateway/scripted-upstream.ts'
import { complete, unscanned } from '../../core/call/outcome.ts'
import { emptyObject } from '../../core/call/payload.ts'
import { tooDeepKey } from '../../core/protocol/deep-items.ts'
import { gateSchema } from '../policy/schema-gate.ts'

const property = (schema: unknown) => ({ inputSchema: { type: 'object', properties: { a: schema } } })

describe('a list with odd definitions', () => {
  it('hides none that can be called', async () => {
    const odd = [
      tool('cut', { description: 'a\ud83d' }),
      tool('flag', property({ type: 'string', pattern: '(?i)abc' })),
      tool('python', property({ type: 'string', pattern: '(?P<y>[0-9]+)' })),
      tool('back', property({ type: 'string', pattern: '^(?<q>[ab])\\k<q>$' })),
      tool('draft4', property({ type: 'number', minimum: 1, exclusiveMinimum: true })),
      tool('draft3', property({ type: 'any', required: true })),
      tool('nowhere', property({ $ref: '#/definitions/none' })),
      tool('remote', property({ $ref: 'https://example.com/x' })),
      tool('endless', { inputSchema: { type: 'object', allOf: [{ $ref: '#' }] } }),
      tool('large', property({ enum: Array.from({ length: 9_000 }, (_, i) => `value ${i}`) })),
      tool('dialect', { inputSchema: { $schema: 'https://example.com/own', type: 'object' } }),
      tool('list', { inputSchema: { type: 'object', properties: [] } }),
    ]
    const a = new ScriptedUpstream('a', { tools: odd })
    const { catalog, clock } = await bench([a], { compile: gateSchema }).start()
    const names = odd.map(({ name }) => `a__${String(name)}`)
    const list = await catalog.stages.list(callOf('tools/list'), exchangeOf(clock))
    expect(shown(list)).toEqual(names)
    expect(list.kind === 'complete' && Buffer.from(list.result.bytes).toString()).not.toContain('\\ud83d')
    for (const name of names)
      expect(catalog.find('', 'tool', name)?.validate?.({ a: 'aa' }) ?? [], name).toEqual(name === 'a__draft4' ? [expect.anything()] : [])
    const [status] = catalog.status()
    expect(status?.quarantined).toEqual([])
    const noted = new Set(status?.notes.map(({ item }) => item))
    expect([...noted]).toEqual(['flag', 'python', 'back', 'draft4', 'draft3', 'nowhere', 'remote', 'endless', 'large', 'list'])
  })

  it('says of a call of one that is set aside that it is, and why', async () => {
    const a = new ScriptedUpstream('a', {
      tools: [{ name: 'bad', inputSchema: { type: 'array' } }],
      prompts: [
        { name: 'bad', arguments: [{}] },
        { name: 'deep', [tooDeepKey]: true },
      ],
      resources: ['{"uri":"a:1","uri":"a:1","name":"twice"}'],
    })
    const { catalog, clock } = await bench([a]).start()
    const call = async (method: 'tools/call' | 'prompts/get' | 'resources/read', params: Record<string, unknown>, mount = '') =>
      faultOf(
        await catalog.stages.resolve.run(callOf(method, params, { mount }), exchangeOf(clock), () =>
          Promise.resolve(complete(emptyObject, unscanned(2))),
        ),
      )
    const why = 'The server a lists it, but its definition cannot be served: /inputSchema/type must be "object".'
    for (const [name, mount] of [
      ['a__bad', ''],
      ['bad', ''],
      ['bad', 'a'],
    ] as const) {
      const found = await call('tools/call', { name }, mount)
      expect(found.kind).toBe('unknown_tool')
      expect(found.message).toBe(`There is no tool named ${name} here. ${why}`)
      expect(found.detail.setAside).toEqual({ path: '/inputSchema/type', reason: 'must be "object"' })
    }
    expect((await call('prompts/get', { name: 'a__bad' })).message).toContain('/arguments/0/name is missing')
    expect((await call('prompts/get', { name: 'a__deep' })).message).toContain('it is nested deeper than 510 levels')
    expect((await call('resources/read', { uri: 'a:1' })).message).toContain('it has a duplicate key')
    expect((await call('tools/call', { name: 'a__other' })).detail).not.toHaveProperty('setAside')
  })

  it('is shown and logged within bounds, however much it is and however long its names are', async () => {
    const tools = Array.from({ length: 5_000 }, (_, i) => ({ name: `${'n'.repeat(400)}${i}`, inputSchema: { type: 'x'.repeat(900) } }))
    const noted = Array.from({ length: 500 }, (_, i) => tool(`t${i}`, property({ type: 'any' })))
    const made = await bench([new ScriptedUpstream('a', { tools: [...tools, ...noted] })], { compile: gateSchema }).start()
    const [status] = made.catalog.status()
    expect(status?.counts.tool).toBe(500)
    expect(status?.quarantined).toHaveLength(101)
    expect(status?.quarantined.at(-1)?.reason).toBe('4900 more were set aside')
    expect(status?.notes).toHaveLength(101)
    expect(JSON.stringify(status).length).toBeLessThan(100_000)
    expect(made.logged.filter(({ event }) => event.includes('set aside'))).toHaveLength(11)
    expect(resultOf(await made.catalog.stages.list(callOf('tools/list'), exchangeOf(made.clock))).tools).toHaveLength(500)
  })
})
