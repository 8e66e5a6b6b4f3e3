// Prometheus of the system, as it reads a gateway. Where there is none, what needs it is skipped and says so.
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Closers } from './admitting.ts'
import { freePort } from './free-port.ts'
import { eventually } from './processes.ts'

const at = (name: string): string | undefined => [`/usr/bin/${name}`, `/usr/local/bin/${name}`].find((path) => existsSync(path))

/** Undefined where this machine has none. */
export const promtool = at('promtool')
export const prometheus = at('prometheus')
if (prometheus === undefined) process.stdout.write('No prometheus (Debian: prometheus): tests of rules and dashboards are skipped.\n')

export interface PrometheusServer {
  /** Value of an instant query, by its labels. Rejects where the query is none. */
  query(
    expression: string,
  ): Promise<readonly { readonly metric: Readonly<Record<string, string>>; readonly value: readonly [number, string] }[]>
  /** Rules as they were evaluated. */
  rules(): Promise<readonly { readonly name: string; readonly health: string; readonly lastError?: string }[]>
  /** Exemplars of a metric. */
  exemplars(expression: string): Promise<readonly unknown[]>
}

/** Reads `target` (HOST:PORT) twice a second. On a port and in a folder of its own. */
export async function startPrometheus(closers: Closers, target: string, ruleFiles: readonly string[]): Promise<PrometheusServer> {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-prometheus-'))
  const port = await freePort()
  const config = join(folder, 'prometheus.yaml')
  writeFileSync(
    config,
    JSON.stringify({
      global: { scrape_interval: '500ms', evaluation_interval: '500ms' },
      rule_files: ruleFiles,
      scrape_configs: [{ job_name: 'signalbox', static_configs: [{ targets: [target] }] }],
    }),
  )
  const child = spawn(
    prometheus ?? '',
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--enable-feature=exemplar-storage',
      '--log.level=error',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  let said = ''
  child.stderr.on('data', (chunk) => {
    said += chunk
  })
  closers.push(async () => {
    child.kill('SIGKILL')
    await ended
    rmSync(folder, { recursive: true, force: true })
  })
  const ask = async (path: string): Promise<unknown> => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`)
    const body = (await answer.json()) as { readonly status: string; readonly error?: string; readonly data: unknown }
    if (body.status !== 'success') throw new Error(`Prometheus refuses ${decodeURIComponent(path)}: ${body.error}`)
    return body.data
  }
  const ready = (): Promise<boolean> =>
    fetch(`http://127.0.0.1:${port}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    )
  if (!(await eventually(ready))) throw new Error(`Prometheus does not answer: ${said}`)
  return {
    query: async (expression) => ((await ask(`/api/v1/query?query=${encodeURIComponent(expression)}`)) as { result: [] }).result,
    rules: async () => ((await ask('/api/v1/rules')) as { groups: { rules: [] }[] }).groups.flatMap(({ rules }) => rules),
    exemplars: async (expression) => {
      const now = Date.now() / 1_000
      return (await ask(
        `/api/v1/query_exemplars?query=${encodeURIComponent(expression)}&start=${now - 600}&end=${now + 10}`,
      )) as readonly unknown[]
    },
  }
}
