// docs/operations.md: a real nginx brings clients to the UNIX socket of a gateway, by the block of the page.
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { Closers } from '../peers/admitting.ts'
import { freePort } from '../peers/free-port.ts'
import { startProcess } from '../peers/process.ts'
import { eventually } from '../peers/processes.ts'
import { legacy, modern, openSession, send } from '../peers/raw.ts'
import { plainTool, startScripted } from '../peers/scripted.ts'
import { blockOf, folderFor, readPage, replaced } from './example.ts'
import { nginxPath, startNginx } from './nginx.ts'

const closers: Closers = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

if (nginxPath === undefined) process.stdout.write('Not tried: a socket behind nginx, which this machine has not (Debian package nginx).\n')

describe.skipIf(nginxPath === undefined)('a UNIX socket behind nginx', () => {
  test('serves clients of both eras, with streams', async () => {
    const folder = folderFor(closers)
    const path = join(folder, 'front.sock')
    const tools = [plainTool('echo')]
    const server = await startScripted({ era: 'modern', tools })
    closers.push(() => server.close())
    const config = { listen: `unix:${path}`, admin: { listen: 'off' }, servers: { up: { url: server.url, era: 'modern' } } }
    const gateway = await startProcess(config)
    closers.push(async () => void (await gateway.end('SIGTERM')))
    const base = `http://127.0.0.1:${await freePort()}`
    const block = replaced(blockOf(readPage('docs/operations.md'), 'A UNIX socket', 'nginx'), { '/run/signalbox/front.sock': path })
    // Its workers are others than the one who starts it, where that is root.
    const user = process.getuid?.() === 0 ? 'user root;' : ''
    const nginx = `${user}\nevents {}\nhttp {\n  server {\n    listen ${base.slice('http://'.length)};\n    ${block}\n  }\n}\n`
    await startNginx(closers, folder, nginx, async () => (await send(`${base}/livez`, 'GET', undefined)).status === 200)

    expect((await modern(base, 'tools/list')).message.result.tools).toMatchObject([{ name: 'up__echo' }])
    const session = await openSession(base)
    expect((await legacy(base, session, 'tools/call', { name: 'up__echo', arguments: {} })).message.result.content).toBeDefined()
    let heard = ''
    const ended = new AbortController()
    const onText = (text: string): void => {
      heard += text
    }
    const params = { notifications: { toolsListChanged: true } }
    const listening = modern(base, 'subscriptions/listen', params, { signal: ended.signal, onText }).catch(() => undefined)
    expect(await eventually(() => heard.includes('acknowledged'))).toBe(true)
    tools.push(plainTool('more'))
    await modern(base, 'tools/call', { name: 'up__more', arguments: {} })
    expect(await eventually(() => heard.includes('tools/list_changed'))).toBe(true)
    ended.abort()
    await listening
  }, 60_000)
})
