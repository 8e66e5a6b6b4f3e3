// No secret, and nothing personal, is found in what a run leaves behind: the run is in `seeded-run.ts`, and all that could hold something of it
// is a line of `sinks`.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, expect } from 'vitest'
import { bytesIn } from '../peers/canaries.ts'
import { metric, send } from '../peers/raw.ts'
import { root } from '../peers/servers.ts'
import { promise } from './promise.ts'
import { type SeededRun, seededRun } from './seeded-run.ts'

interface Sink {
  /** While the gateway runs, or once it has ended. */
  readonly when: 'running' | 'ended'
  readonly read: (run: SeededRun) => string | Promise<string>
}

const page = (path: string): Sink => ({
  when: 'running',
  read: async ({ gateway }) => (await send(`${gateway.admin}${path}`, 'GET', undefined)).text,
})
const command = (when: Sink['when'], args: (run: SeededRun) => readonly string[]): Sink => ({
  when,
  read: (run) =>
    new Promise((resolve) => {
      execFile(process.execPath, [join(root, 'dist', 'main.js'), ...args(run)], { cwd: run.folder }, (_error, out, err) =>
        resolve(out + err),
      )
    }),
})
const asked = (...args: string[]): Sink => command('running', ({ gateway }) => [...args, '--url', gateway.admin])

/** Where something of a run is left. Each is a line; what is new is one more. */
const sinks: Readonly<Record<string, Sink>> = {
  'the log, what children said in it': { when: 'ended', read: ({ gateway }) => gateway.log() },
  spans: { when: 'ended', read: (run) => run.spans() },
  metrics: page('/metrics'),
  upstreams: page('/admin/v1/upstreams'),
  stores: page('/admin/v1/stores'),
  clients: page('/admin/v1/clients'),
  tools: page('/admin/v1/tools'),
  budgets: page('/admin/v1/budgets'),
  alerts: page('/admin/v1/alerts'),
  'the configuration in force': page('/admin/v1/config'),
  faults: page('/admin/v1/faults'),
  'the store, running': { when: 'running', read: ({ stateDir }) => bytesIn(stateDir) },
  'the store, ended': { when: 'ended', read: ({ stateDir }) => bytesIn(stateDir) },
  'signalbox audit query': command('ended', ({ file }) => ['audit', 'query', '--json', '--most', '10000', '--config', file]),
  'signalbox upstream ls': asked('upstream', 'ls'),
  'signalbox clients': asked('clients'),
  'signalbox limits show': asked('limits', 'show'),
  'signalbox alerts ls': asked('alerts', 'ls'),
  'signalbox tools ls': asked('tools', 'ls'),
  'signalbox ls': command('running', ({ gateway }) => ['ls', '--url', gateway.base]),
  'signalbox check': command('ended', ({ file }) => ['check', file]),
}

let run: SeededRun | undefined
afterAll(() => run?.close())

promise(
  'R60',
  'no secret that callers send or servers give, and nothing personal, is found in what a run leaves, nor in answers where it is masked',
  async () => {
    run = await seededRun()
    const { gateway, canaries } = run
    const left: Record<string, string> = {}
    const read = async (when: Sink['when']): Promise<void> => {
      for (const [name, sink] of Object.entries(sinks)) if (sink.when === when) left[name] = await sink.read(run as SeededRun)
    }
    await read('running')
    const masked = [...(await metric(gateway.admin, 'signalbox_masked_total'))]
    await gateway.end('SIGTERM')
    await read('ended')

    for (const { message } of run.refused) expect(JSON.stringify(message)).toContain('invalid_arguments')
    expect(run.read.message.result.contents).toMatchObject([{ text: 'TOKEN=[secret masked: github_token]' }])
    const places = { ...run.places(), ...left }
    expect(canaries.unused(places)).toEqual([])
    expect(canaries.strays(places)).toEqual([])
    expect(run.given).toBeGreaterThan(10)

    expect(left.spans).toContain('tools/call')
    // What could not be read shows nothing.
    expect(Object.entries(left).filter(([, text]) => text === '' || /^(?:error|usage):|"status":[45]\d\d/i.test(text))).toEqual([])
    expect(left['signalbox audit query']).toMatch(/"masked":\{"[a-z_]+":\d/)
    expect(masked.map(([labels]) => labels)).toEqual(
      expect.arrayContaining([
        'upstream="up",rule="github_token"',
        'upstream="up",rule="named_secret"',
        'upstream="child",rule="github_token"',
      ]),
    )
    const log = left['the log, what children said in it'] ?? ''
    for (const word of ['[redacted:github_token]', '[redacted:email]', '[redacted:high_entropy]', '[redacted:configured]'])
      expect(log).toContain(word)
    // By `redact.keys: ['client-version']`, in any style of writing.
    expect(log).toContain('"clientVersion":"[redacted:configured]"')
    expect(log).not.toContain('1.2.3')
  },
  180_000,
)
