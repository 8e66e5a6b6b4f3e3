// Runs every cell of the matrix: clients one after the other in front of each server, so that no event can come from another cell, and the
// servers beside each other.
import { join } from 'node:path'
import { type ClientKind, clientKinds, connect, type TestClient, type Where } from '../peers/clients.ts'
import { writeConfig } from '../peers/config.ts'
import { startUnderTest } from '../peers/gateway.ts'
import { root } from '../peers/servers.ts'
import { answersBy, type Cell, type Feature, features } from './features.ts'
import { mountOf, offerOf, type ServerKind, serverKinds, startServers } from './servers.ts'
import type { Verdict } from './verdict.ts'

export type Result = Verdict | { readonly result: 'broken'; readonly note: string }

/** By server, client and feature. */
export type Matrix = Record<ServerKind, Record<ClientKind, Record<string, Result>>>

const main = join(root, 'dist', 'main.js')

/** Longest time of one check, in ms: what takes longer hangs. */
const patienceMs = 25_000

export async function runMatrix(): Promise<Matrix> {
  const servers = await startServers()
  const gateway = await startUnderTest({ servers: servers.entries })
  const files = serverKinds.map((kind) => [kind, writeConfig({ servers: { [mountOf(kind)]: servers.entries[mountOf(kind)] } })] as const)
  const all = writeConfig({ servers: servers.entries })
  const bare = new BareClients(gateway.base, all.path)
  try {
    const rows = await Promise.all(
      files.map(async ([kind, file]) => {
        const where: Where = {
          base: gateway.base,
          mount: `/${mountOf(kind)}`,
          command: {
            command: process.execPath,
            args: [main, 'stdio', '--config', file.path, '--mount', mountOf(kind)],
            cwd: root,
          },
        }
        return [kind, await againstServer(kind, where, bare)] as const
      }),
    )
    return Object.fromEntries(rows) as Matrix
  } finally {
    await bare.close()
    all.remove()
    await gateway.stop()
    await servers.stop()
    for (const [, file] of files) file.remove()
  }
}

/** Clients without a capability. A process for each server would cost seconds: over stdio one serves all. */
class BareClients {
  private readonly base: string
  private readonly config: string
  private readonly open = new Map<string, Promise<TestClient>>()

  constructor(base: string, config: string) {
    this.base = base
    this.config = config
  }

  async get(kind: ClientKind, server: ServerKind): Promise<Pick<TestClient, 'call'>> {
    const mount = mountOf(server)
    const command = { command: process.execPath, args: [main, 'stdio', '--config', this.config], cwd: root }
    const stdio = kind.endsWith('stdio')
    const key = stdio ? kind : `${kind} ${mount}`
    const connecting =
      this.open.get(key) ?? connect(kind, { base: this.base, mount: stdio ? '' : `/${mount}`, command }, {}, 'crossing-bare')
    this.open.set(key, connecting)
    const client = await connecting
    return { call: (tool, args, options) => client.call(stdio ? `${mount}__${tool}` : tool, args, options) }
  }

  async close(): Promise<void> {
    for (const client of this.open.values()) await client.then((one) => one.close()).catch(() => undefined)
  }
}

async function againstServer(serverKind: ServerKind, where: Where, bare: BareClients): Promise<Record<ClientKind, Record<string, Result>>> {
  const rows: [ClientKind, Record<string, Result>][] = []
  for (const clientKind of clientKinds) rows.push([clientKind, await oneClient(clientKind, serverKind, where, bare)])
  return Object.fromEntries(rows) as Record<ClientKind, Record<string, Result>>
}

async function oneClient(
  clientKind: ClientKind,
  serverKind: ServerKind,
  where: Where,
  bareClients: BareClients,
): Promise<Record<string, Result>> {
  const mood: Cell['mood'] = { elicit: 'accept' }
  let wire = ''
  let sent = ''
  const tap = {
    outgoing: (text: string) => {
      sent += text
      return text.replaceAll('"#big#"', '9007199254740993')
    },
    incoming: (text: string) => {
      wire += text
    },
  }
  const [client, bare] = await Promise.all([
    connect(clientKind, { ...where, tap }, answersBy(mood), 'crossing'),
    bareClients.get(clientKind, serverKind),
  ])
  try {
    // A stdio client starts its gateway with it: the checks begin when that is up.
    await Promise.all([client.tools(), bare.call(offerOf(serverKind).simple.tool, offerOf(serverKind).simple.args)])
    const cell: Cell = {
      clientKind,
      serverKind,
      where,
      client,
      bare,
      offer: offerOf(serverKind),
      mood,
      wire: () => wire,
      sent: () => sent,
    }
    const long = features
      .filter((feature) => feature.long === true)
      .map(async (feature) => [feature.id, await verdictOf(feature, cell)] as const)
    const row: Record<string, Result> = {}
    for (const feature of features) if (feature.long !== true) row[feature.id] = await verdictOf(feature, cell)
    return { ...row, ...Object.fromEntries(await Promise.all(long)) }
  } finally {
    await client.close().catch(() => undefined)
  }
}

async function verdictOf(feature: Feature, cell: Cell): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Result>((resolve) => {
    timer = setTimeout(() => resolve({ result: 'broken', note: `no answer within ${patienceMs} ms` }), patienceMs)
  })
  const answer = feature.run(cell).catch((thrown: unknown): Result => ({ result: 'broken', note: noteOf(thrown) }))
  const verdict = await Promise.race([answer, late])
  clearTimeout(timer)
  return verdict
}

function noteOf(thrown: unknown): string {
  const { code, message } = thrown as { code?: unknown; message?: unknown }
  return `${code === undefined ? '' : `${String(code)} `}${String(message ?? thrown)}`.slice(0, 600)
}
