import { describe, expect, it } from 'vitest'
import { type Payload, payload } from '../../core/call/payload.ts'
import { UpstreamFault } from '../../core/ports/upstream.ts'
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

  it('has cursors that can be remembered', async () => {
    await expect(all(listing(`{"tools":[1],"nextCursor":"${'c'.repeat(5_000)}"}`))).rejects.toBeInstanceOf(UpstreamFault)
  })
})
