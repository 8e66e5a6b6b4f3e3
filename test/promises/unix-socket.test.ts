// The front door at a UNIX socket: who may open it is the mode of the file, a stale file makes room, a living one is left alone, and it goes with
// the gateway. Clients come through nginx or whatever else can speak to a socket; the command line can.
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { signalbox } from '../peers/command-line.ts'
import { startProcess } from '../peers/process.ts'
import { plainTool, startScripted } from '../peers/scripted.ts'

const open: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

function place() {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-socket-'))
  open.push(async () => rmSync(folder, { recursive: true, force: true }))
  return { folder, path: join(folder, 'signalbox.sock') }
}

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8)

/** A request as a proxy of this machine sends it. */
function through(path: string, host: string, body: Record<string, unknown>, more = {}): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = { ...more, host, 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
    const req = request({ socketPath: path, path: '/mcp', method: 'POST', headers }, (res) => {
      let text = ''
      res.on('data', (chunk) => {
        text += chunk
      })
      res.on('end', () => resolve({ status: res.statusCode ?? 0, text }))
    })
    req.on('error', reject)
    req.end(JSON.stringify({ jsonrpc: '2.0', id: 1, ...body }))
  })
}

async function configured(path: string, more: Record<string, unknown> = {}) {
  const server = await startScripted({ era: 'modern', tools: [plainTool('echo')] })
  open.push(() => server.close())
  return { listen: `unix:${path}`, servers: { up: { url: server.url, era: 'modern' } }, ...more }
}

const initialize = {
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
}

describe('listen: unix:PATH', () => {
  test('serves clients, tells where, checks the host, and takes its files with it', async () => {
    const { folder, path } = place()
    const admin = join(folder, 'signalbox-admin.sock')
    const gateway = await startProcess(await configured(path))
    open.push(() => gateway.end('SIGKILL'))
    expect(gateway.told).toMatchObject({ listening: `unix:${path}`, socket: path, admin: `unix:${admin}` })
    expect(gateway.told).not.toHaveProperty('port')
    expect([modeOf(path), modeOf(admin)]).toEqual(['660', '660'])
    expect((await through(path, 'localhost', initialize)).status).toBe(200)
    expect((await through(path, 'evil.example', initialize)).status).toBe(403)
    const listed = await signalbox(folder, 'ls', '--url', `unix:${path}`, '--json')
    expect(JSON.parse(listed.out)).toMatchObject({ tools: [{ name: 'up__echo' }], servers: [{ name: 'up', state: 'ready' }] })
    const called = await signalbox(folder, 'call', 'echo', '--url', `unix:${path}:/mcp/up`)
    expect([called.code, called.out]).toEqual([0, expect.stringContaining('echo was called')])
    expect(await gateway.logged(/proxy_pass http:\/\/unix:\S+/)).toContain(path)
    expect(await gateway.end('SIGTERM')).toBe(0)
    expect([existsSync(path), existsSync(admin)]).toEqual([false, false])
    const gone = await signalbox(folder, 'ls', '--url', `unix:${path}`)
    expect([gone.code, gone.err]).toEqual([1, expect.stringContaining('nothing listens at unix:')])
  }, 60_000)

  test('has the mode that is said, and only the front door where the admin door is off', async () => {
    const { folder, path } = place()
    const gateway = await startProcess(await configured(path, { http: { socketMode: '0600' }, admin: { listen: 'off' } }))
    open.push(() => gateway.end('SIGKILL'))
    expect(modeOf(path)).toBe('600')
    expect(existsSync(join(folder, 'signalbox-admin.sock'))).toBe(false)
  })

  test('takes the place of a file that a killed gateway left', async () => {
    const { path } = place()
    const config = await configured(path, { admin: { listen: 'off' } })
    const first = await startProcess(config)
    await first.end('SIGKILL')
    expect(existsSync(path)).toBe(true)
    const second = await startProcess(config)
    open.push(() => second.end('SIGKILL'))
    expect((await through(path, 'localhost', initialize)).status).toBe(200)
  })

  test('leaves a living one alone, and a file that is none', async () => {
    const { folder, path } = place()
    const other: Server = createServer((socket) => socket.end())
    await new Promise<void>((resolve) => other.listen(path, resolve))
    open.push(() => new Promise((resolve) => other.close(resolve)))
    const file = join(folder, 'notes')
    writeFileSync(file, 'mine')
    const config = await configured(path, { admin: { listen: 'off' } })
    await expect(startProcess(config)).rejects.toThrow(/ended with 3: .*is listened on by another program/s)
    await expect(startProcess({ ...config, listen: `unix:${file}` })).rejects.toThrow(/ended with 3: .*is a file that is no socket/s)
    await expect(startProcess({ ...config, listen: `unix:${folder}/none/x.sock` })).rejects.toThrow(/in a folder that is not there/)
    expect([existsSync(path), existsSync(file)]).toEqual([true, true])
  })

  test('believes a gateway in front that comes by it, with its proof', async () => {
    const { path } = place()
    const sharedSecret = 'the-proof-of-the-proxy'
    const auth = { callers: ['trustedHeader'], trustedHeader: { subject: 'X-User', proof: { from: ['unix'], sharedSecret } } }
    const gateway = await startProcess(await configured(path, { auth, admin: { listen: 'off' } }))
    open.push(() => gateway.end('SIGKILL'))
    const proven = { 'x-user': 'ann', 'signalbox-proof': sharedSecret }
    expect((await through(path, 'localhost', initialize, proven)).status).toBe(200)
    expect((await through(path, 'localhost', initialize, { 'x-user': 'ann' })).status).toBe(401)
  })
})
