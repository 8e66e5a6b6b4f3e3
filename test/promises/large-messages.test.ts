// Large messages: they arrive, and whoever else calls meanwhile is answered before they are read.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect } from 'vitest'
import { largeUnderWay } from '../../src/core/protocol/large.ts'
import { startUnderTest, type UnderTest } from '../peers/gateway.ts'
import { eventually } from '../peers/processes.ts'
import { modern } from '../peers/raw.ts'
import { type CallArrived, type Scripted, startScripted, textResult } from '../peers/scripted.ts'
import { filesystem } from '../peers/servers.ts'
import { promise } from './promise.ts'

const mib = 1_048_576
const upstreams: Scripted[] = []
let gateway: UnderTest
let folder: string | undefined

afterEach(async () => {
  await gateway.stop()
  for (const upstream of upstreams.splice(0)) await upstream.close()
  if (folder !== undefined) rmSync(folder, { recursive: true })
  folder = undefined
})

async function started(server: Record<string, unknown>, limits: Record<string, unknown> = {}): Promise<void> {
  const bystander = await startScripted({ era: 'modern' })
  upstreams.push(bystander)
  gateway = await startUnderTest({ servers: { up: server, by: { url: bystander.url, era: 'modern' } }, limits })
}

async function scripted(era: 'legacy' | 'modern', call: (arrived: CallArrived) => void): Promise<Record<string, unknown>> {
  const upstream = await startScripted({ era, call })
  upstreams.push(upstream)
  return { url: upstream.url, era }
}

/** Calls the tool; another server's tool is called once the large message has come, and must be answered before it. */
async function besides(name: string, args: Record<string, unknown> = {}): Promise<Record<string, never>> {
  const order: string[] = []
  const large = modern(gateway.base, 'tools/call', { name, arguments: args }, { mount: '/up' }).then((answer) => {
    order.push('large')
    return answer
  })
  await eventually(() => largeUnderWay() > 0)
  await modern(gateway.base, 'tools/call', { name: 'echo', arguments: {} }, { mount: '/by' })
  order.push('bystander')
  const { message } = await large
  expect(order).toEqual(['bystander', 'large'])
  return message.result
}

const textOf = (result: { content: { text: string }[] }): string => result.content.map(({ text }) => text).join('')

describe('a result of many megabytes', () => {
  for (const era of ['legacy', 'modern'] as const) {
    promise(['R49', 'R77'], `over HTTP of a ${era} server holds up nobody, and becomes a link`, async () => {
      await started(await scripted(era, ({ answer }) => answer(textResult('x'.repeat(40 * mib)))))
      expect(textOf((await besides('echo')) as never)).toMatch(/has 4194\d{4} bytes.*signalbox:\/\/results\//s)
    })
  }

  promise(['R49', 'R77'], 'in an event stream holds up nobody, and what follows it in the stream stays behind it', async () => {
    const up = await scripted('legacy', ({ id, res }) => {
      const result = textResult('x'.repeat(20 * mib))
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      const twice = `data: ${JSON.stringify({ jsonrpc: '2.0', id, result })}\n\ndata: ${JSON.stringify({ jsonrpc: '2.0', id, result: textResult('late') })}\n\n`
      res.end(twice)
    })
    await started(up)
    expect(textOf((await besides('echo')) as never)).toContain('signalbox://results/')
  })

  promise(['R49', 'R77'], 'of a real server over stdio holds up nobody, and comes whole where that is allowed', async () => {
    folder = mkdtempSync(join(tmpdir(), 'signalbox-large-'))
    const text = 'Grüße "aus" Köln\n'.repeat(200_000)
    writeFileSync(join(folder, 'large.txt'), text)
    await started(filesystem(folder), { resultBytes: 67_108_864, eventBytes: 67_108_864 })
    const result = (await besides('read_text_file', { path: join(folder, 'large.txt') })) as never
    expect(textOf(result) === text).toBe(true)
  })

  promise('R77', 'that is no JSON costs its call alone', async () => {
    const up = await scripted('modern', ({ res }) => {
      res.writeHead(200, { 'content-type': 'application/json' }).end(`{"jsonrpc":"2.0","result":{"text":"${'x'.repeat(4 * mib)}`)
    })
    await started(up)
    const { message } = await modern(gateway.base, 'tools/call', { name: 'echo', arguments: {} }, { mount: '/up' })
    expect(JSON.stringify(message.result)).toContain('upstream_protocol_error')
    expect(largeUnderWay()).toBe(0)
  })
})
