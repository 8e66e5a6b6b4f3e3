// The program itself: SIGHUP and `signalbox config` put another configuration into force, say why not, show what was, and go back to it.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { eventually, marked } from '../peers/processes.ts'
import { everything, filesystem, root } from '../peers/servers.ts'

test('SIGHUP and the commands reload, refuse, compare and go back, and a server that stays keeps its process', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-hangup-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'signalbox.yaml')
  const mark = `signalbox-hangup-${process.pid}`
  const keep = { ...everything, env: { RELOAD_MARK: mark } }
  const write = (config: object): void => {
    writeFileSync(
      file,
      JSON.stringify({ listen: '127.0.0.1:0', admin: { listen: '127.0.0.1:0' }, log: { level: 'warn', calls: false }, ...config }),
    )
  }
  write({ servers: { keep } })
  const main = join(root, 'dist', 'main.js')
  const child = spawn(process.execPath, [main, 'up', '--config', file], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(child, 'exit')
  onTestFinished(async () => {
    child.kill('SIGTERM')
    await ended
  })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk) => {
    out += chunk
  })
  child.stderr.on('data', (chunk) => {
    err += chunk
  })
  expect(await eventually(() => out.includes('\n') && err.includes('Ctrl-C stops'), 30_000)).toBe(true)
  const { admin } = JSON.parse(out) as { admin: string }
  const run = (...args: string[]): Promise<{ code: number; out: string; err: string }> =>
    new Promise((resolve) => {
      execFile(process.execPath, [main, 'config', ...args, '--url', admin], { cwd: folder }, (error, stdout, stderr) =>
        resolve({ code: Number(error?.code ?? 0), out: stdout, err: stderr }),
      )
    })
  const pids = marked(mark).filter((pid) => pid !== child.pid)
  expect(pids.length).toBeGreaterThan(0)
  const history = async (): Promise<unknown[]> => {
    const { revisions } = JSON.parse((await run('history', '--json')).out) as { revisions: { revision: number; author: string }[] }
    return revisions.map(({ revision, author }) => `${revision} ${author}`)
  }
  expect(await history()).toEqual(['1 start'])

  write({ servers: { keep, files: filesystem(folder) } })
  child.kill('SIGHUP')
  expect(await eventually(async () => (await history())[0] === '2 SIGHUP')).toBe(true)

  write({ servers: { keep } })
  expect(await run('diff', '1', '2')).toMatchObject({ code: 0, out: expect.stringMatching(/^servers\.files: nothing → \{/) })
  const reloaded = await run('reload')
  // The file may have been looked at before the command came.
  expect(reloaded).toMatchObject({ code: 0, out: expect.stringContaining('(revision 3)') })

  write({ servers: { keep }, limits: { queue: 7 } })
  const refused = await run('reload', '--json')
  expect([refused.code, JSON.parse(refused.out)]).toEqual([
    10,
    expect.objectContaining({ outcome: 'refused', problems: ['limits.queue: another value of it needs a restart'] }),
  ])
  const diff = await run('diff')
  expect([diff.code, diff.out]).toEqual([10, expect.stringMatching(/^limits\.queue: \d+ → 7\n/)])
  expect(await eventually(() => err.includes('A configuration was refused; the one before stays in force'))).toBe(true)

  expect(await run('rollback', '2')).toMatchObject({ code: 0, out: expect.stringContaining('It is in force now (revision 4).') })
  expect(await run('rollback', '77')).toMatchObject({ code: 1, err: expect.stringContaining('No revision 77') })
  expect(await run('rollback', 'x')).toMatchObject({ code: 2 })
  expect((await history()).length).toBe(4)
  expect(marked(mark).filter((pid) => pid !== child.pid)).toEqual(pids)
}, 90_000)
