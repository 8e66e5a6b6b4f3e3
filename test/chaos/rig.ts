// The gateway of a chaos suite, as a process of its own, with a good server beside the bad ones whose client never stops working, and
// the evidence that a row is judged by: metrics, readiness, the log.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { expect } from 'vitest'
import { catalogue } from '../../src/core/faults/catalogue.ts'
import { categories } from '../../src/core/faults/fault.ts'
import { type Receiver, startReceiver } from '../doubles/otlp/receiver.ts'
import { connect, type TestClient } from '../peers/clients.ts'
import { type GatewayProcess, startProcess } from '../peers/process.ts'
import { eventually } from '../peers/processes.ts'
import { everything, root } from '../peers/servers.ts'
import { children, openFiles } from './processes.ts'
import { tell, type Vitals } from './table.ts'

/** Planted where it must not get out: in headers and environments of servers, and in headers of clients. */
export const secrets = { upstream: 'CANARY-of-the-upstream-7f3a', client: 'CANARY-of-the-client-91c2' } as const

export { categories }

/** Small limits, so that what takes minutes in life takes parts of a second here. */
const quickly = { call: 1_200, maximum: 6_000, connect: 300, probe: 600, start: 3_000 }

class Evidence {
  private readonly series: readonly { readonly name: string; readonly labels: Readonly<Record<string, string>>; readonly value: number }[]

  constructor(text: string) {
    this.series = text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => {
        const [, name = '', labels = '', value = ''] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
        const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, text]) => [key, text] as const)
        return { name, labels: Object.fromEntries(pairs), value: Number(value) }
      })
  }

  /** The sum over all series of the name whose labels agree. */
  sum(name: string, labels: Readonly<Record<string, string>> = {}): number {
    return this.matching(name, labels).reduce((sum, { value }) => sum + value, 0)
  }

  /** How many there were of each kind in each category, as `category/kind`. */
  faults(): Record<string, number> {
    return tally(this.matching('signalbox_faults_total', {}).map(({ labels: { category, kind }, value }) => [`${category}/${kind}`, value]))
  }

  labels(name: string, label: string): string[] {
    return [...new Set(this.matching(name, {}).map((series) => series.labels[label] ?? ''))]
  }

  private matching(name: string, labels: Readonly<Record<string, string>>) {
    return this.series.filter(
      (series) => series.name === name && Object.entries(labels).every(([key, value]) => series.labels[key] === value),
    )
  }
}

function tally(counts: readonly (readonly [what: string, count: number])[]): Record<string, number> {
  const sums = new Map<string, number>()
  for (const [what, count] of counts) sums.set(what, (sums.get(what) ?? 0) + count)
  return Object.fromEntries([...sums].sort(([a], [b]) => (a < b ? -1 : 1)))
}

export class Rig {
  readonly gateway: GatewayProcess
  private readonly collector: Receiver
  private readonly neighbour: TestClient
  private working = true
  private readonly work: Promise<void>
  private served = 0
  private readonly troubles: string[] = []
  private waiting: (() => void)[] = []
  private readonly folder: string
  private baseline: Vitals | undefined

  constructor(gateway: GatewayProcess, neighbour: TestClient, collector: Receiver, folder: string) {
    this.gateway = gateway
    this.folder = folder
    this.collector = collector
    this.neighbour = neighbour
    this.work = this.keepWorking()
  }

  get base(): string {
    return this.gateway.base
  }

  async evidence(): Promise<Evidence> {
    return new Evidence(await (await fetch(`${this.gateway.admin}/metrics`)).text())
  }

  /** Resolves once these servers are served: on a busy machine the first attempt may run out of its short time. */
  async serves(...names: readonly string[]): Promise<void> {
    const ready = async (): Promise<boolean> => {
      const upstreams = await this.gateway.upstreams()
      return names.every((name) => upstreams.find((upstream) => upstream.name === name)?.state === 'ready')
    }
    expect(await eventually(ready, 20_000), JSON.stringify(await this.gateway.upstreams())).toBe(true)
  }

  /** The evidence once it shows this: a record is sealed a moment after its answer has left. */
  async evidenceWhen(shows: (evidence: Evidence) => boolean): Promise<Evidence> {
    let last = await this.evidence()
    await eventually(async () => {
      last = await this.evidence()
      return shows(last)
    })
    return last
  }

  /** Once it serves and its clients are there: what it must come back to at the end. */
  async begin(): Promise<void> {
    this.baseline = await this.vitals()
  }

  async vitals(): Promise<Vitals> {
    const { pid } = this.gateway.child
    const file = join(this.folder, 'vitals.json')
    rmSync(file, { force: true })
    this.gateway.child.kill('SIGUSR2')
    let own: Pick<Vitals, 'timers' | 'heapBytes'> | undefined
    await eventually(() => {
      try {
        own = JSON.parse(readFileSync(file, 'utf8'))
        return true
      } catch {
        return false
      }
    })
    return {
      files: openFiles(pid),
      children: children(pid).length,
      timers: own?.timers ?? Number.NaN,
      heapBytes: own?.heapBytes ?? Number.NaN,
    }
  }

  /** Files, children, timers and heap are where they were, but for what caches and records may hold. */
  private async isBack(): Promise<void> {
    const before = this.baseline
    if (before === undefined) return
    let after = before
    const back = await eventually(async () => {
      after = await this.vitals()
      const { files, children: own, timers, heapBytes } = after
      return (
        files <= before.files + 16 &&
        own <= before.children &&
        timers <= before.timers + 10 &&
        heapBytes <= before.heapBytes + 32 * 1_048_576
      )
    }, 15_000)
    tell({ suite: basename(expect.getState().testPath ?? ''), before, after })
    expect(back, JSON.stringify({ before, after })).toBe(true)
  }

  /** Resolves after one more good answer of the neighbour; it has had no bad one. */
  async neighbourIsFine(): Promise<void> {
    const before = this.served
    await new Promise<void>((resolve) => this.waiting.push(resolve))
    expect(this.troubles).toEqual([])
    expect(this.served).toBeGreaterThan(before)
  }

  /** Ends everything and judges what holds for the whole run: five categories, no bug of ours, no secret, and a clean end. */
  async end(): Promise<void> {
    this.working = false
    await this.work
    await this.isBack()
    await this.neighbour.close()
    const evidence = await this.evidence()
    const shown = JSON.stringify(await this.gateway.upstreams()) + (await (await fetch(`${this.gateway.admin}/metrics`)).text())
    const code = await this.gateway.end('SIGTERM')
    const log = this.gateway.log()
    expect(this.troubles).toEqual([])
    expect(evidence.sum('signalbox_child_restarts_total', { upstream: 'neighbour' })).toBe(0)
    expect(evidence.sum('signalbox_faults_total', { upstream: 'neighbour' })).toBe(0)
    expect(evidence.sum('signalbox_faults_total', { kind: 'internal' })).toBe(0)
    expect(evidence.labels('signalbox_faults_total', 'category').filter((each) => !categories.includes(each as never))).toEqual([])
    expect(log.split('\n').filter((line) => /A bug in|unhandled|Unhandled/.test(line))).toEqual([])
    for (const secret of Object.values(secrets)) {
      expect(log).not.toContain(secret)
      expect(shown).not.toContain(secret)
    }
    expect(code).toBe(0)
    await this.collector.close()
    rmSync(this.folder, { recursive: true, force: true })
    this.everyFailureHasOneCategory(evidence, log)
  }

  /** The same in the metrics, in the spans and in the log, and as good as never one that nobody can tell. */
  private everyFailureHasOneCategory(evidence: Evidence, log: string): void {
    const counted = evidence.faults()
    const all = Object.values(counted).reduce((sum, own) => sum + own, 0)
    expect(all).toBeGreaterThan(0)
    for (const label of Object.keys(counted)) {
      const [category, kind] = label.split('/') as [string, keyof typeof catalogue]
      expect([label, category]).toEqual([label, catalogue[kind]?.category])
    }
    // `internal` is what nothing else is: a bug of ours, whose cause nobody can tell.
    const unknown = Object.entries(counted).filter(([label]) => label.endsWith('/internal'))
    expect(unknown.reduce((sum, [, own]) => sum + own, 0) / all).toBeLessThan(0.01)
    const requests = this.collector.spans().filter(({ kind, resource }) => kind === 'server' && resource['service.name'] === 'signalbox')
    const failed = requests.filter(({ attributes }) => attributes['signalbox.fault.kind'] !== undefined)
    const told = failed.map(
      ({ attributes }) => [`${attributes['signalbox.fault.category']}/${attributes['signalbox.fault.kind']}`, 1] as const,
    )
    expect(tally(told)).toEqual(counted)
    const lines = log.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Record<string, unknown>] : []))
    const logged = lines.filter(({ event, fault }) => (event === 'call' || event === 'refused') && fault !== undefined)
    expect(tally(logged.map(({ category, fault }) => [`${category}/${fault}`, 1]))).toEqual(counted)
    for (const { error, attributes } of requests) if (error) expect(attributes).toHaveProperty(['error.type'])
  }

  private async keepWorking(): Promise<void> {
    for (let n = 0; this.working; n += 1) {
      try {
        const result = await this.neighbour.call('echo', { message: `${n}` })
        if (result.content[0].text !== `Echo: ${n}`) this.troubles.push(JSON.stringify(result))
      } catch (error) {
        this.troubles.push(String(error))
      }
      this.served += 1
      for (const wake of this.waiting.splice(0)) wake()
      await new Promise((resolve) => setTimeout(resolve, 40))
    }
    for (const wake of this.waiting.splice(0)) wake()
  }
}

export async function startRig(config: Record<string, unknown>, env: Record<string, string> = {}): Promise<Rig> {
  const { servers, ...rest } = config
  const collector = await startReceiver()
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-chaos-'))
  const gateway = await startProcess(
    {
      log: { level: 'info', format: 'json' },
      telemetry: { otlp: { endpoint: collector.url, signals: ['traces'] }, sample: 1 },
      drain: { graceMs: 500 },
      timeouts: quickly,
      ...rest,
      servers: { ...(servers as object), neighbour: { ...everything, timeouts: { call: 20_000, maximum: 30_000, start: 20_000 } } },
    },
    { ...env, CHAOS_VITALS: join(folder, 'vitals.json'), NODE_OPTIONS: `--import=${join(root, 'test', 'chaos', 'vitals.mjs')}` },
  )
  return new Rig(gateway, await connect('v2 modern http', { base: gateway.base, mount: '/neighbour' }), collector, folder)
}
