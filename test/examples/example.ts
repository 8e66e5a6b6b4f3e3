// Examples of the documentation, run as they stand: what names this machine (addresses, ports, folders) is replaced, and nothing else.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startGateway } from '../../src/assembly/index.ts'
import { load } from '../../src/operate/configuration/load.ts'
import { preferInstalled } from '../../src/operate/configuration/prefer-installed.ts'
import { formatProblem } from '../../src/platform/config/index.ts'
import type { Closers } from '../peers/admitting.ts'
import { portOf, type UnderTest } from '../peers/gateway.ts'
import { root } from '../peers/servers.ts'

export const readPage = (path: string): string => readFileSync(join(root, path), 'utf8')

/** The first block of code in this language below a heading of a page. */
export function blockOf(page: string, heading: string, language: string): string {
  const [line] = new RegExp(`^#+ ${heading}$`, 'm').exec(page) ?? [`## ${heading}`]
  return blockAfter(page, line, language)
}

/** The first block of code in this language after a text of a page. */
export function blockAfter(page: string, after: string, language = 'yaml'): string {
  const at = page.indexOf(after)
  const [, text] = at < 0 ? [] : (new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(page.slice(at)) ?? [])
  if (text === undefined) throw new Error(`There is no ${language} after "${after}"`)
  return text
}

/** Each text has to be there. */
export function replaced(text: string, changes: Readonly<Record<string, string>>): string {
  let made = text
  for (const [from, to] of Object.entries(changes)) {
    if (!made.includes(from)) throw new Error(`The example does not say ${from} any more`)
    made = made.replaceAll(from, to)
  }
  return made
}

/** A folder of the test's own. */
export function folderFor(closers: Closers): string {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-example-'))
  closers.push(async () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export interface ExampleOptions {
  /** Of the front door. Default: a free port of loopback. */
  readonly listen?: { readonly host: string; readonly port: number }
  readonly env?: Readonly<Record<string, string>>
}

const anywhere = { host: '127.0.0.1', port: 0 }

/** Reads the configuration as `signalbox up` does, and starts what it says on free ports. Its servers are those that are installed. */
export async function startExample(closers: Closers, text: string, options: ExampleOptions = {}): Promise<UnderTest> {
  const { listen = anywhere, env = {} } = options
  const folder = folderFor(closers)
  const config = join(folder, 'signalbox.yaml')
  writeFileSync(config, text)
  const result = await load({ config, env, cwd: folder })
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'))
  const { settings: said } = result.loaded
  const settings = preferInstalled({ ...said, log: { ...said.log, level: 'silent' }, drain: { ...said.drain, graceMs: 500 } })
  const running = await startGateway(settings, {
    listen,
    admin: anywhere,
    source: 'an example',
    baseDir: folder,
  })
  closers.push(() => running.drain())
  await running.settled(30_000)
  const base = `${settings.tls === undefined ? 'http' : 'https'}://127.0.0.1:${portOf(running.address)}`
  return { base, admin: `http://127.0.0.1:${portOf(running.adminAddress)}`, running, stop: () => running.drain() }
}
