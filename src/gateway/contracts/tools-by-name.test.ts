import { expect, it } from 'vitest'
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
