// toxiproxy (github.com/Shopify/toxiproxy), a fault proxy for TCP that is not ours, in the place of our own: the rows of L4 have the same
// verdicts behind it. It knows fewer faults; what it does not know is not asked of it.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { L4Fault } from '../../src/operate/toolkit/chaos/index.ts'
import { freePort } from '../peers/free-port.ts'
import { eventually } from '../peers/processes.ts'

/** A fault proxy before one port. */
export interface ConnectionLayer {
  readonly port: number
  /** Whether this fault is one of its own. */
  can(fault: L4Fault): boolean
  set(fault: L4Fault): Promise<void>
  stop(): Promise<void>
}

interface Toxic {
  readonly type: string
  readonly stream: 'upstream' | 'downstream'
  readonly attributes: Readonly<Record<string, number>>
}

/** Undefined where it has no such toxic. */
function toxicsOf(fault: L4Fault): readonly Toxic[] | undefined {
  switch (fault.kind) {
    case 'none':
    case 'refuse':
      return []
    case 'silence':
    case 'half-open':
      return (['upstream', 'downstream'] as const).map((stream) => ({ type: 'timeout', stream, attributes: { timeout: 0 } }))
    case 'reset':
      return fault.afterBytes === 0 ? [{ type: 'reset_peer', stream: 'downstream', attributes: { timeout: 0 } }] : undefined
    case 'end':
      return [{ type: 'limit_data', stream: 'downstream', attributes: { bytes: fault.afterBytes } }]
    case 'stall':
      return fault.afterBytes === 0 ? [{ type: 'timeout', stream: 'downstream', attributes: { timeout: 0 } }] : undefined
    case 'drip':
      return [slicer(fault.bytes, fault.everyMs * 1_000)]
    case 'split':
      return [slicer(fault.bytes, 0)]
  }
}

function slicer(bytes: number, delay: number): Toxic {
  return { type: 'slicer', stream: 'downstream', attributes: { average_size: bytes, size_variation: 0, delay } }
}

export class Toxiproxy {
  private readonly child: ChildProcess
  private readonly api: string
  private made = 0

  private constructor(child: ChildProcess, api: string) {
    this.child = child
    this.api = api
  }

  static async start(program: string): Promise<Toxiproxy> {
    const port = await freePort()
    const child = spawn(program, ['-host', '127.0.0.1', '-port', String(port)], { stdio: 'ignore' })
    const toxiproxy = new Toxiproxy(child, `http://127.0.0.1:${port}`)
    const up = await eventually(() =>
      fetch(`${toxiproxy.api}/version`).then(
        (reply) => reply.ok,
        () => false,
      ),
    )
    if (!up) throw new Error(`${program} does not answer`)
    return toxiproxy
  }

  async before(target: number): Promise<ConnectionLayer> {
    this.made += 1
    const name = `layer-${this.made}`
    const port = await freePort()
    await this.ask('POST', '/proxies', { name, listen: `127.0.0.1:${port}`, upstream: `127.0.0.1:${target}`, enabled: true })
    let toxics: string[] = []
    return {
      port,
      can: (fault) => toxicsOf(fault) !== undefined,
      set: async (fault) => {
        for (const toxic of toxics) await this.ask('DELETE', `/proxies/${name}/toxics/${toxic}`)
        toxics = []
        await this.ask('POST', `/proxies/${name}`, { enabled: fault.kind !== 'refuse' })
        for (const [at, toxic] of (toxicsOf(fault) ?? []).entries()) {
          await this.ask('POST', `/proxies/${name}/toxics`, { name: `toxic-${at}`, toxicity: 1, ...toxic })
          toxics.push(`toxic-${at}`)
        }
      },
      stop: () => this.ask('DELETE', `/proxies/${name}`),
    }
  }

  async stop(): Promise<void> {
    const gone = once(this.child, 'exit')
    this.child.kill('SIGTERM')
    await gone
  }

  private async ask(method: string, path: string, body?: object): Promise<void> {
    const reply = await fetch(this.api + path, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
    if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${await reply.text()}`)
  }
}
