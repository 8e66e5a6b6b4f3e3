import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { settingsSchema } from '../assembly/settings.ts'
import { preflight } from './preflight.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'signalbox-preflight-'))
  writeFileSync(join(folder, 'plain.txt'), '')
  writeFileSync(join(folder, 'server.mjs'), '')
  chmodSync(join(folder, 'plain.txt'), 0o644)
})
afterAll(() => rmSync(folder, { recursive: true }))

function lacks(server: Record<string, unknown>): string[] {
  const settings = settingsSchema.parse({ servers: { a: { cwd: folder, ...server } } })
  return preflight(settings, { PATH: process.env.PATH }).map((lack) => `${lack.severity} ${lack.key}: ${lack.what}; ${lack.mend}`)
}

describe('before anything starts, what is not there is named', () => {
  it('a program that is not on the PATH', () => {
    expect(lacks({ command: 'no-such-program' })).toEqual([
      'failure servers.a.command: the program no-such-program is not on the PATH; install it, or give its full path',
    ])
    expect(lacks({ command: 'node' })).toEqual([])
  })
  it('a program that may not be executed', () => {
    expect(lacks({ command: './plain.txt' })[0]).toContain(`the file ${folder}/plain.txt may not be executed`)
  })
  it('the PATH of the server counts', () => {
    expect(lacks({ command: 'node', env: { PATH: '/nonexistent' } })).toHaveLength(1)
  })
  it('a working directory', () => {
    expect(lacks({ command: 'node', cwd: join(folder, 'none') })[0]).toContain('does not exist')
    expect(lacks({ command: 'node', cwd: join(folder, 'plain.txt') })[0]).toContain('is no folder')
  })
  it('a script of an interpreter, relative to the working directory', () => {
    expect(lacks({ command: 'node', args: ['server.mjs'] })).toEqual([])
    expect(lacks({ command: 'node', args: ['--no-warnings', 'sever.mjs'] })[0]).toContain(
      `failure servers.a.args.1: ${folder}/sever.mjs does not exist`,
    )
  })
  it('a path among the arguments; of an option it may be meant to be created', () => {
    expect(lacks({ command: 'npx', args: ['-y', 'fs', '/nonexistent/data'] })[0]).toContain('failure servers.a.args.2')
    expect(lacks({ command: 'npx', args: ['--log', '/nonexistent/log'] })[0]).toContain('doubt servers.a.args.1')
  })
  it('a ~ that nobody would expand', () => {
    expect(lacks({ command: 'npx', args: ['fs', '~/docs'] })[0]).toContain('write ${dir:home}/docs')
  })
  it('nothing of servers that are switched off', () => {
    expect(lacks({ command: 'no-such-program', enabled: false })).toEqual([])
  })
})
