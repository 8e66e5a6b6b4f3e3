// Every feature of server-everything is kept for every client: SDK 1.32 over Streamable HTTP, SSE and stdio, SDK 2.4 in both eras.
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ClientKind, clientKinds, connect, type Progress, type TestClient } from '../peers/clients.ts'
import { writeConfig } from '../peers/config.ts'
import { startUnderTest, type UnderTest } from '../peers/gateway.ts'
import { eventually } from '../peers/processes.ts'
import { everything, root } from '../peers/servers.ts'

let gateway: UnderTest
let file: { path: string; remove(): void }

beforeAll(async () => {
  const config = { servers: { everything } }
  gateway = await startUnderTest(config)
  file = writeConfig(config)
})

afterAll(async () => {
  await gateway.stop()
  file.remove()
})

const answers = {
  elicit: (params: Record<string, unknown>) =>
    params.mode === 'url' ? { action: 'accept' } : { action: 'accept', content: { name: 'Ada', check: true } },
  sample: () => ({ role: 'assistant', model: 'test-model', content: { type: 'text', text: 'sampled answer' } }),
  roots: () => [{ uri: 'file:///project', name: 'project' }],
}

describe.each(clientKinds)('through %s', (kind: ClientKind) => {
  let client: TestClient

  beforeAll(async () => {
    client = await connect(
      kind,
      {
        base: gateway.base,
        mount: '/everything',
        command: {
          command: process.execPath,
          args: [join(root, 'dist', 'main.js'), 'stdio', '--config', file.path, '--mount', 'everything'],
          cwd: root,
        },
      },
      answers,
    )
    // server-everything asks for the roots 350 ms after its start, in whatever call then runs; let that be this one.
    await client.call('trigger-long-running-operation', { duration: 0.6, steps: 1 })
  })
  afterAll(() => client.close())

  test('tools', async () => {
    expect((await client.call('echo', { message: 'x' })).content).toEqual([{ type: 'text', text: 'Echo: x' }])
    expect((await client.tools()).length).toBeGreaterThan(10)
  })

  test('structured output', async () => {
    const result = await client.call('get-structured-content', { location: 'Chicago' })
    expect(result.structuredContent.temperature).toBeTypeOf('number')
    expect((await client.tools()).find((tool) => tool.name === 'get-structured-content')?.outputSchema).toBeDefined()
  })

  test('images', async () => {
    expect((await client.call('get-tiny-image')).content.some((part: { type: string }) => part.type === 'image')).toBe(true)
  })

  test('annotations', async () => {
    expect((await client.call('get-annotated-message', { messageType: 'error' })).content[0].annotations.priority).toBe(1)
  })

  test('resource links and embedded resources', async () => {
    expect(
      (await client.call('get-resource-links', { count: 2 })).content.filter((part: { type: string }) => part.type === 'resource_link'),
    ).toHaveLength(2)
    expect(
      (await client.call('get-resource-reference', { resourceType: 'Text', resourceId: 1 })).content.some(
        (part: { type: string }) => part.type === 'resource',
      ),
    ).toBe(true)
  })

  test('resources and templates', async () => {
    expect((await client.resources()).length).toBeGreaterThan(0)
    expect((await client.templates()).map((template) => template.uriTemplate)).toContain('demo://resource/dynamic/text/{resourceId}')
    expect((await client.read('demo://resource/dynamic/text/7')).contents[0].text).toContain('7')
  })

  test('prompts', async () => {
    expect((await client.prompts()).map((prompt) => prompt.name)).toContain('args-prompt')
    expect(JSON.stringify(await client.prompt('args-prompt', { city: 'Oslo' }))).toContain('Oslo')
  })

  test('completion', async () => {
    const found = await client.complete({ type: 'ref/prompt', name: 'completable-prompt' }, { name: 'department', value: 'E' })
    expect(found.completion.values).toContain('Engineering')
  })

  test('progress, in order, with the own token of the client', async () => {
    const seen: Progress[] = []
    const result = await client.call('trigger-long-running-operation', { duration: 1, steps: 5 }, { onProgress: (p) => seen.push(p) })
    expect(result.content[0].text).toContain('completed')
    await eventually(() => seen.length >= 5, 500)
    // The SDKs drop a progress message that they read together with the answer, through a gateway or not.
    const heard = seen.map((p) => p.progress)
    expect(heard).toEqual([1, 2, 3, 4, 5].slice(0, Math.max(4, heard.length)))
  })

  test('cancellation', async () => {
    const controller = new AbortController()
    const call = client.call(
      'trigger-long-running-operation',
      { duration: 20, steps: 200 },
      { signal: controller.signal, onProgress: () => controller.abort('enough') },
    )
    await expect(call).rejects.toThrow()
    expect((await client.call('echo', { message: 'still here' })).content[0].text).toContain('still here')
  })

  test('logging', async () => {
    await client.setLevel('debug')
    await client.call('toggle-simulated-logging')
    await eventually(() => client.logs.some((line) => /level.message/i.test(line)))
    await client.call('toggle-simulated-logging')
    expect(client.logs.join('\n')).toMatch(/level.message/i)
  })

  test('subscriptions', async () => {
    const uri = 'demo://resource/dynamic/text/1'
    await client.subscribe(uri)
    await client.call('toggle-subscriber-updates')
    await eventually(() => client.updated.length > 0)
    await client.call('toggle-subscriber-updates')
    expect(client.updated[0]).toBe(uri)
  })

  test('elicitation', async () => {
    expect(JSON.stringify(await client.call('trigger-elicitation-request'))).toContain('Ada')
  })

  test('elicitation by URL', async () => {
    const names = (await client.tools()).map((tool) => tool.name)
    expect(names).toContain('trigger-url-elicitation')
    expect(
      JSON.stringify(
        await client.call('trigger-url-elicitation', { url: 'https://example.com/consent', message: 'Please open' }),
      ).toLowerCase(),
    ).toContain('accept')
  })

  test('sampling', async () => {
    expect(JSON.stringify(await client.call('trigger-sampling-request', { prompt: 'hello', maxTokens: 10 }))).toContain('sampled answer')
  })

  test('roots', async () => {
    expect(JSON.stringify(await client.call('get-roots-list'))).toContain('file:///project')
  })
})
