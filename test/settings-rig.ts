// What the rows of the settings are shown with: gateways and servers that end with their test.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach } from 'vitest'
import type { Result } from './peers/clients.ts'
import { startUnderTest, type UnderTest } from './peers/gateway.ts'
import { type Answer, modern, upstreamsOf } from './peers/raw.ts'
import { type Script, type Scripted, startScripted } from './peers/scripted.ts'
import type { Elsewhere } from './settings-elsewhere.ts'

export type Row = (() => Promise<unknown>) | Elsewhere

export const folder = mkdtempSync(join(tmpdir(), 'signalbox-settings-'))
export const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

export async function gateway(config: Record<string, unknown>): Promise<UnderTest> {
  const started = await startUnderTest(config)
  open.push(started.stop)
  return started
}

export async function server(script: Script = {}): Promise<Scripted> {
  const started = await startScripted(script)
  open.push(started.close)
  return started
}

/** A gateway in front of one scripted session-era server without sessions, called `up`. */
export async function pair(config: Record<string, unknown> = {}, script: Script = {}, own: Record<string, unknown> = {}) {
  const up = await server(script)
  const running = await gateway({ ...config, servers: { up: { url: up.url, era: 'legacy', ...own } } })
  return { base: running.base, admin: running.admin, running, up }
}

export const mount = '/up'
export const call = (base: string, name = 'echo', asking = {}): Promise<Answer> =>
  modern(base, 'tools/call', { name, arguments: {} }, { mount, ...asking })
export const faultOf = ({ message }: Answer): Result =>
  message.result?._meta?.['signalbox.dev/fault'] ?? message.error?.data?.['signalbox.dev/fault']
export const toolNames = async (base: string, at = ''): Promise<string[]> =>
  (await modern(base, 'tools/list', {}, { mount: at })).message.result.tools.map((tool: { name: string }) => tool.name)
export const stateOf = async (admin: string, name = 'up') => (await upstreamsOf(admin)).find((one) => one.name === name)
export const silent = { command: process.execPath, args: ['-e', 'setInterval(() => {}, 1000)'], era: 'legacy' }
