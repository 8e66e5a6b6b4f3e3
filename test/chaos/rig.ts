// The gateway of a chaos suite, as a process of its own, with a good server beside the bad ones whose client never stops working, and
// the evidence that a row is judged by: metrics, readiness, the log.
import { expect } from 'vitest'
import { connect, type TestClient } from '../peers/clients.ts'
import { type GatewayProcess, startProcess } from '../peers/process.ts'
import { eventually } from '../peers/processes.ts'
import { everything } from '../peers/servers.ts'

/** Planted where it must not get out: in headers and environments of servers, and in headers of clients. */
export const secrets = { upstream: 'CANARY-of-the-upstream-7f3a', client: 'CANARY-of-the-client-91c2' } as const

export const categories = ['tool', 'configuration', 'transport', 'authentication', 'integration'] as const

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

  labels(name: string, label: string): string[] {
    return [...new Set(this.matching(name, {}).map((series) => series.labels[label] ?? ''))]
  }

  private matching(name: string, labels: Readonly<Record<string, string>>) {
    return this.series.filter(
      (series) => series.name === name && Object.entries(labels).every(([key, value]) => series.labels[key] === value),
    )
  }
}

export class Rig {
  readonly gateway: GatewayProcess
  private readonly neighbour: TestClient
  private working = true
  private readonly work: Promise<void>
  private served = 0
  private readonly troubles: string[] = []
  private waiting: (() => void)[] = []

  constructor(gateway: GatewayProcess, neighbour: TestClient) {
    this.gateway = gateway
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
  const gateway = await startProcess(
    {
      log: { level: 'info', format: 'json' },
      drain: { graceMs: 500 },
      timeouts: quickly,
      ...rest,
      servers: { ...(servers as object), neighbour: { ...everything, timeouts: { call: 20_000, maximum: 30_000, start: 20_000 } } },
    },
    env,
  )
  return new Rig(gateway, await connect('v2 modern http', { base: gateway.base, mount: '/neighbour' }))
}
