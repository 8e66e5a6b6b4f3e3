import { expect, it } from 'vitest'
import { registryRig, toolOf } from '../../../test/doubles/gateway/contracts-rig.ts'
import { payloadOf } from '../../core/call/payload.ts'
import { ToolsByName } from './tools-by-name.ts'
import type { TrackedTool } from './tracked.ts'

const tool = {} as TrackedTool

it('names come in their order, from behind any name, as tools come and go', () => {
  const tools = new ToolsByName()
  const after = (name?: string): string[] => [...tools.namesAfter(name)]
  expect(after()).toEqual([])
  for (const name of ['c', 'a', 'e']) tools.set(name, tool)
  expect(after()).toEqual(['a', 'c', 'e'])
  expect([after('a'), after('b'), after('e'), after('')]).toEqual([['c', 'e'], ['c', 'e'], [], ['a', 'c', 'e']])
  tools.set('d', tool).set('a', tool).delete('c')
  expect(after('a')).toEqual(['d', 'e'])
  tools.clear()
  expect(after()).toEqual([])
})

it('is ordered once for all pages', () => {
  const tools = new ToolsByName()
  for (let n = 0; n < 1_000; n += 1) tools.set(`tool ${n}`, tool)
  let read = 0
  const keys = tools.keys.bind(tools)
  tools.keys = () => {
    read += 1
    return keys()
  }
  const seen: string[] = []
  for (let last: string | undefined; ; ) {
    const page: string[] = []
    for (const name of tools.namesAfter(last)) if (page.push(name) === 100) break
    if (page.length === 0) break
    seen.push(...page)
    last = page.at(-1)
  }
  expect([seen.length, new Set(seen).size, read]).toEqual([1_000, 1_000, 1])
})

it('pages go through the servers in the order of the configuration, and skip nothing', async () => {
  const server = { admit: 'firstUse', owner: undefined, environment: 'default', addresses: [] } as const
  const rig = registryRig({
    servers: new Map([
      ['up', server],
      ['empty', server],
      ['a', server],
    ]),
  })
  await rig.list([toolOf('c'), toolOf('b')])
  await rig.registry.rule(
    'a',
    ['d', 'b', 'e'].map((name) => ({ name, sent: payloadOf(toolOf(name)) })),
    false,
  )
  const seen: string[] = []
  for (let last: { server: string; tool: string } | undefined; ; ) {
    const page = rig.operators.list(last, 2)
    if (page.length === 0) break
    seen.push(...page.map((one) => `${one.server}.${one.tool}`))
    last = page.at(-1)
  }
  expect(seen).toEqual(['up.b', 'up.c', 'a.b', 'a.d', 'a.e'])
  expect(rig.operators.list({ server: 'a', tool: 'c' }, 9).map(({ tool }) => tool)).toEqual(['d', 'e'])
})
