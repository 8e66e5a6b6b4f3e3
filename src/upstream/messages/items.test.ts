import { describe, expect, it } from 'vitest'
import { type Payload, payload } from '../../core/call/payload.ts'
import { EndlessList, UpstreamFault } from '../../core/ports/upstream.ts'
import type { Asked } from '../connection.ts'
import type { Context } from '../context.ts'
import { readItems } from './items.ts'

const context = { id: 'up', report: { log: () => {}, counters: { add: () => {} } } } as unknown as Context

function listing(...pages: string[]): AsyncGenerator<Payload> {
  let page = 0
  return readItems(context, 'tool', async () => {
    const result = payload(Buffer.from(pages[page] ?? '{"tools":[]}'))
    page += 1
    return { kind: 'result', result } as Asked
  })
}

async function all(items: AsyncGenerator<Payload>): Promise<string[]> {
  const found: string[] = []
  for await (const { bytes } of items) found.push(Buffer.from(bytes).toString())
  return found
}

describe('a list of a server', () => {
  it('is read page by page, whatever stands between its items', async () => {
    const items = listing('{"tools":[ {"a":1} ,{"b":[1,2]},\n3\t],"nextCursor":"x"}', '{"nextCursor":null,"tools":[]}', '{"tools":[4]}')
    expect(await all(items)).toEqual(['{"a":1}', '{"b":[1,2]}', '3'])
  })

  it.each(['{}', '{"tools":{}}', '{"tools":7}'])('that is none (%s) is a fault', async (page) => {
    await expect(all(listing(page))).rejects.toBeInstanceOf(UpstreamFault)
  })

  it('costs no object an item before the item is wanted', async () => {
    const count = 3_000_000
    const items = listing(`{"tools":[${'1,'.repeat(count)}1]}`)
    const before = process.memoryUsage().heapUsed
    expect((await items.next()).value).toBeDefined()
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(count * 8)
    await items.return(undefined)
  })

  it.each([
    ['repeats', () => '{"tools":[1],"nextCursor":"x"}', 2],
    ['advances and brings nothing', (page: number) => `{"tools":[],"nextCursor":"${page}"}`, 8],
    ['advances and brings the same', (page: number) => `{"tools":[1],"nextCursor":"${page}"}`, 9],
    ['grows', (page: number) => `{"tools":[1],"nextCursor":"${'c'.repeat(page + 1)}"}`, 9],
    ['advances for ever', (page: number) => `{"tools":[${page}],"nextCursor":"${page}"}`, 500],
  ])('whose cursor %s is ended, with what came of it', async (_how, page, most) => {
    let pages = 0
    const items = readItems(context, 'tool', async () => {
      pages += 1
      return { kind: 'result', result: payload(Buffer.from(page(pages - 1))) } as Asked
    })
    const found: unknown[] = []
    const read = async () => {
      for await (const item of items) found.push(item)
    }
    await expect(read()).rejects.toBeInstanceOf(EndlessList)
    expect(pages).toBe(most)
    expect(found).toHaveLength(page(0).includes('[]') ? 0 : most)
  })

  it.each([
    ['is too long to be remembered', `"${'c'.repeat(5_000)}"`],
    ['is a number', '7'],
    ['is an object', '{"page":2}'],
    ['is true', 'true'],
  ])('whose cursor %s ends with the page that has it', async (_how, cursor) => {
    const found: unknown[] = []
    const read = async () => {
      for await (const item of listing(`{"nextCursor":${cursor},"tools":[1,2]}`)) found.push(item)
    }
    await expect(read()).rejects.toBeInstanceOf(EndlessList)
    expect(found).toHaveLength(2)
  })

  it.each(['null', 'false', '0', '""'])('ends with a cursor of %s', async (cursor) => {
    expect(await all(listing(`{"tools":[1],"nextCursor":${cursor}}`, '{"tools":[2]}'))).toEqual(['1'])
  })
})
