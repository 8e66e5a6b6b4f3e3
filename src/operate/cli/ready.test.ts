import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { signalbox } from '../../../test/peers/command-line.ts'
import { freePort } from '../../../test/peers/free-port.ts'
import { startUnderTest } from '../../../test/peers/gateway.ts'

const open: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

it('says whether a gateway serves, by exit code and word', async () => {
  const gateway = await startUnderTest({})
  open.push(() => gateway.stop())
  expect(await signalbox(tmpdir(), 'ready', '--url', gateway.base)).toEqual({ code: 0, out: 'ready\n', err: '' })
  expect(await signalbox(tmpdir(), 'ready', '--live', '--url', `${gateway.base}/mcp`)).toEqual({ code: 0, out: 'alive\n', err: '' })
  const { out } = await signalbox(tmpdir(), 'ready', '--json', '--url', gateway.base)
  expect(JSON.parse(out)).toEqual({ ready: true, url: gateway.base, path: '/readyz', said: 'ready' })
})

it('fails where nobody answers, where the gateway does not serve, and where something else answers', async () => {
  const nobody = await signalbox(tmpdir(), 'ready', '--url', `http://127.0.0.1:${await freePort()}`)
  expect(nobody).toMatchObject({ code: 1, out: '' })
  expect(nobody.err).toContain('No gateway answers')
  expect(await signalbox(tmpdir(), 'ready', '--url', 'somewhere')).toMatchObject({ code: 1, err: expect.stringContaining('is no address') })
  let answer = { status: 503, text: '{"status":"draining"}' }
  const other = createServer((_req, res) => res.writeHead(answer.status).end(answer.text))
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  open.push(() => new Promise((resolve) => other.close(resolve)))
  const at = `http://127.0.0.1:${(other.address() as { port: number }).port}`
  expect(await signalbox(tmpdir(), 'ready', '--url', at)).toEqual({ code: 1, out: '', err: 'draining\n' })
  answer = { status: 404, text: '<html>' }
  expect(await signalbox(tmpdir(), 'ready', '--url', at)).toEqual({ code: 1, out: '', err: 'HTTP 404\n' })
})

it('reaches a gateway through its socket', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-ready-'))
  open.push(async () => rmSync(folder, { recursive: true }))
  const path = join(folder, 'front.sock')
  const other = createServer((req, res) => res.end(JSON.stringify({ status: req.url })))
  await new Promise<void>((resolve) => other.listen(path, resolve))
  open.push(() => new Promise((resolve) => other.close(resolve)))
  expect(await signalbox(folder, 'ready', '--url', `unix:${path}`)).toEqual({ code: 0, out: '/readyz\n', err: '' })
})
