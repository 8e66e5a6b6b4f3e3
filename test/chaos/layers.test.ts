// The fault layers of the product by themselves, before real servers: what a rule takes is harmed, what it does not take comes through as it
// was, the server has executed both, and the same seed gives the same run.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { l7Faults, Rules, startL4Proxy, startL7Proxy, stdioShim } from '../../src/operate/toolkit/chaos/index.ts'
import { freePort } from '../peers/free-port.ts'
import { filesystem, type Started, startEverything } from '../peers/servers.ts'
import { RawClient, textOf } from './raw-client.ts'

const folder = mkdtempSync(join(tmpdir(), 'signalbox-layers-'))
let everything: Started

beforeAll(async () => {
  everything = await startEverything('streamableHttp', await freePort())
})

afterAll(async () => {
  await everything.stop()
  rmSync(folder, { recursive: true, force: true })
})

test('rules take requests by method, tool, arguments and number, in their order', () => {
  const rules = new Rules<string>(
    [
      { method: 'tools/call', tool: 'a', nth: [2, 3], fault: 'second' },
      { tool: 'a', arguments: { tag: 'x' }, fault: 'tagged' },
      { method: 'tools/list', fault: 'list' },
    ],
    1,
  )
  const call = (name: string, tag: string) => rules.choose({ method: 'tools/call', params: { name, arguments: { tag } } })
  expect([call('a', 'x'), call('a', 'x'), call('a', 'y'), call('a', 'y'), call('b', 'x')]).toEqual([
    'tagged',
    'second',
    'second',
    undefined,
    undefined,
  ])
  expect(rules.choose({ method: 'tools/list', params: {} })).toBe('list')
  expect(rules.choose({ method: 'prompts/get', params: { name: 'a' } })).toBeUndefined()
})

test('a process that goes on with the counts of another goes on with its chance too', () => {
  const made = () => new Rules<number>([{ probability: 0.5, fault: 1 }], 11)
  const drawn = (rules: Rules<number>, count: number) =>
    Array.from({ length: count }, () => rules.choose({ method: 'ping', params: {} }) ?? 0)
  const whole = drawn(made(), 40)
  const first = made()
  const begun = drawn(first, 15)
  const next = made()
  next.restore(first.counts())
  expect([...begun, ...drawn(next, 25)]).toEqual(whole)
})

/** Which of 40 echoes failed. */
async function failedOf(seed: number): Promise<number[]> {
  const proxy = await startL7Proxy(`http://127.0.0.1:${everything.port}`, {
    rules: [{ method: 'tools/call', tool: 'echo', probability: 0.3, fault: l7Faults.status(503) }],
    seed,
  })
  const client = await new RawClient('legacy', `http://127.0.0.1:${proxy.port}/mcp`).connect()
  const failed: number[] = []
  for (let n = 0; n < 40; n += 1) {
    const answer = await client.call('echo', { message: `${n}` })
    if (answer.status === 503) failed.push(n)
    else expect(textOf(answer)).toBe(`Echo: ${n}`)
  }
  expect(proxy.injected.get('tools/call')).toBe(failed.length)
  await proxy.stop()
  return failed
}

test('L7 before a real server: a part of the calls fails by chance, the same ones with the same seed', async () => {
  const first = await failedOf(7)
  expect(first.length).toBeGreaterThan(3)
  expect(first.length).toBeLessThan(25)
  expect(await failedOf(7)).toEqual(first)
  expect(await failedOf(8)).not.toEqual(first)
})

test('L4: a part of the connections is reset by chance, the same ones with the same seed', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.end('hello')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port: target } = server.address() as { port: number }
  const run = async (seed: number): Promise<string> => {
    const proxy = await startL4Proxy(target, { seed })
    await proxy.set({ kind: 'end', afterBytes: 2 }, 0.5)
    let seen = ''
    for (let n = 0; n < 24; n += 1) {
      const text = await readAll(proxy.port)
      expect(['he', 'hello']).toContain(text)
      seen += text === 'hello' ? '.' : 'x'
    }
    await proxy.stop()
    return seen
  }
  const first = await run(3)
  expect(first).toMatch(/x.*\.|\..*x/)
  expect(await run(3)).toBe(first)
  expect(await run(4)).not.toBe(first)
  server.close()
})

async function readAll(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.on('data', (chunk) => (text += chunk))
  socket.on('error', () => undefined)
  await once(socket, 'close')
  return text
}

test('the shim round a real child: an answer is lost, and what it was about is done; a death ends both', async () => {
  const path = join(folder, 'written.txt')
  const { command, args } = stdioShim(
    {
      rules: [
        { tool: 'write_file', nth: 1, fault: { kind: 'silence' } },
        { tool: 'write_file', nth: 2, fault: { kind: 'exit', code: 7, stderr: 'out of memory\n' } },
      ],
    },
    filesystem(folder),
  )
  const shim = spawn(command, args, { stdio: 'pipe' })
  let said = ''
  let died = ''
  shim.stdout.on('data', (chunk) => (said += chunk))
  shim.stderr.on('data', (chunk) => (died += chunk))
  const gone = once(shim, 'exit')
  const say = (message: object) => shim.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'x', version: '1' } }
  say({ id: 1, method: 'initialize', params })
  say({ method: 'notifications/initialized' })
  await expect.poll(() => said).toContain('"id":1')
  const write = (id: number, content: string) =>
    say({ id, method: 'tools/call', params: { name: 'write_file', arguments: { path, content } } })
  write(2, 'first')
  await expect.poll(() => contentOf(path)).toBe('first')
  say({ id: 3, method: 'tools/list' })
  await expect.poll(() => said).toContain('"id":3')
  expect(said).not.toContain('"id":2')
  write(4, 'second')
  expect(await gone).toEqual([7, null])
  expect(died).toContain('out of memory')
  expect(contentOf(path)).toBe('second')
  expect(said).not.toContain('"id":4')
})

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
