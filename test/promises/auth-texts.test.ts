// A service refuses a credential in words, in a result of HTTP 200, and what becomes of it: seen by an agent, an operator and the audit.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect } from 'vitest'
import type { Closers } from '../peers/admitting.ts'
import { startProcess } from '../peers/process.ts'
import { modern, send } from '../peers/raw.ts'
import { plainTool, scriptedStdio, startScripted, textResult } from '../peers/scripted.ts'
import { filesystem, root } from '../peers/servers.ts'
import { promise } from './promise.ts'

const closers: Closers = []
afterAll(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const refusal = 'failed to list: GET https://api.example.com/issues: 401 Bad credentials []'
const reads = { annotations: { readOnlyHint: true } }

promise(
  ['R21', 'R29', 'R101'],
  'a refusal of the credential in words is renewed, or told as what it is with the words of the server (A11)',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-words-'))
    closers.push(async () => rmSync(folder, { recursive: true, force: true }))
    const key = join(folder, 'key')
    writeFileSync(key, 'first')
    let good = 'first'
    const upstream = await startScripted({
      tools: [plainTool('read', reads), plainTool('write')],
      call: ({ name, answer }) => {
        const shown = upstream.seen.at(-1)?.headers['x-api-key']
        answer(shown === good ? textResult(`${name} is done`) : { ...textResult(refusal), isError: true })
      },
    })
    closers.push(upstream.close)
    const files = scriptedStdio(
      [plainTool('open')],
      `say({ id, result: { content: [{ type: 'text', text: 'permission denied' }], isError: true } })`,
    )
    const config = {
      stateDir: join(folder, 'state'),
      log: { level: 'info', format: 'json' },
      servers: {
        up: { url: upstream.url, era: 'legacy', auth: { type: 'static', header: 'X-Api-Key', secretFile: key } },
        files,
      },
    }
    const file = join(folder, 'signalbox.yaml')
    writeFileSync(file, JSON.stringify(config))
    const gateway = await startProcess(config)
    const call = async (name: string, mount = '/up') =>
      (await modern(gateway.base, 'tools/call', { name, arguments: {} }, { mount })).message.result
    expect((await call('read')).content[0].text).toBe('read is done')

    // The service takes another key now. What only reads is sent again with it, and nobody sees it.
    good = 'second'
    writeFileSync(key, 'second')
    expect((await call('read')).content[0].text).toBe('read is done')

    // A write may have begun: its caller is told so, in the words of the server too. The next has the new key.
    good = 'third'
    writeFileSync(key, 'third')
    const refused = await call('write')
    expect(refused.isError).toBe(true)
    expect(refused.content.map(({ text }: { text: string }) => text)).toEqual([expect.stringContaining('may or may not'), refusal])
    expect(refused._meta['signalbox.dev/fault']).toMatchObject({
      kind: 'upstream_auth_failed',
      category: 'authentication',
      side_effect: 'unknown',
      detail: { hop: 'up', suspect: 'auth_text', rule: 'github_bad_credentials' },
    })
    expect((await call('write')).content[0].text).toBe('write is done')

    // A process to which nothing is given speaks of the permissions of its machine.
    const local = await call('open', '/files')
    expect([local.isError, local._meta?.['signalbox.dev/fault']]).toEqual([true, undefined])

    const metrics = (await send(`${gateway.admin}/metrics`, 'GET', undefined)).text
    const upstreamSuspects = /^signalbox_suspect_total\{upstream="up",reason="auth_text"\} (\d+)$/m.exec(metrics)?.[1]
    expect(upstreamSuspects).toBe('2')
    expect(metrics).not.toMatch(/^signalbox_suspect_total\{upstream="files"/m)
    expect(metrics).toMatch(/^signalbox_retries_total\{upstream="up",evidence="auth_text"\} 1$/m)
    await gateway.end('SIGTERM')
    expect(gateway.log()).toContain('A server refused its credential in words')
    const { stdout } = await promisify(execFile)(process.execPath, [
      join(root, 'dist', 'main.js'),
      ...['audit', 'query', '--json', '--config', file],
    ])
    const rows = stdout
      .split('\n')
      .filter((line) => line.includes('auth_text'))
      .map((line) => JSON.parse(line))
      .filter(({ about }) => about === 'credential')
    expect(rows).toMatchObject([
      {
        about: 'credential',
        decision: 'denied',
        upstream: 'up',
        item: 'read',
        credential: 'static',
        rule: 'auth_text.github_bad_credentials',
      },
      { about: 'credential', decision: 'denied', item: 'write', subject: 'anonymous' },
    ])
    expect(stdout).not.toMatch(/first|second|third/)
  },
  60_000,
)

promise('R21', 'what a real server refuses about a file stays its answer, though the server was given an environment', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-files-'))
  closers.push(async () => rmSync(folder, { recursive: true, force: true }))
  const gateway = await startProcess({ servers: { files: { ...filesystem(folder), env: { SERVICE_TOKEN: 'given-to-the-server' } } } })
  closers.push(() => gateway.end('SIGTERM'))
  const params = { name: 'read_text_file', arguments: { path: join(tmpdir(), 'token') } }
  const { result } = (await modern(gateway.base, 'tools/call', params, { mount: '/files' })).message
  expect(result.isError).toBe(true)
  expect(result.content[0].text).toMatch(/^Access denied/)
  expect(result._meta?.['signalbox.dev/fault']).toBeUndefined()
})
