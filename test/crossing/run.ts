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

/** Longest time of one check, in ms: what takes longer hangs. */
const patienceMs = 12_000

export async function runMatrix(): Promise<Matrix> {
  const servers = await startServers()
  const gateway = await startUnderTest({ servers: servers.entries })
  const files = serverKinds.map((kind) => [kind, writeConfig({ servers: { [mountOf(kind)]: servers.entries[mountOf(kind)] } })] as const)
  try {
    const rows = await Promise.all(
      files.map(async ([kind, file]) => {
        const where: Where = {
          base: gateway.base,
          mount: `/${mountOf(kind)}`,
          command: {
            command: process.execPath,
            args: [join(root, 'dist', 'main.js'), 'stdio', '--config', file.path, '--mount', mountOf(kind)],
            cwd: root,
          },
        }
        return [kind, await againstServer(kind, where)] as const
      }),
    )
    return Object.fromEntries(rows) as Matrix
  } finally {
    await gateway.stop()
    await servers.stop()
    for (const [, file] of files) file.remove()
  }
}

async function againstServer(serverKind: ServerKind, where: Where): Promise<Record<ClientKind, Record<string, Result>>> {
  const rows: [ClientKind, Record<string, Result>][] = []
  for (const clientKind of clientKinds) rows.push([clientKind, await oneClient(clientKind, serverKind, where)])
  return Object.fromEntries(rows) as Record<ClientKind, Record<string, Result>>
}

async function oneClient(clientKind: ClientKind, serverKind: ServerKind, where: Where): Promise<Record<string, Result>> {
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
  const open: TestClient[] = []
  try {
    const [client, bare] = await Promise.all([
      connect(clientKind, { ...where, tap }, answersBy(mood), 'crossing'),
      connect(clientKind, where, {}, 'crossing-bare'),
    ])
    open.push(client, bare)
    const cell: Cell = { clientKind, serverKind, where, client, bare, offer: offerOf(serverKind), mood, wire: () => wire, sent: () => sent }
    const long = features
      .filter((feature) => feature.long === true)
      .map(async (feature) => [feature.id, await verdictOf(feature, cell)] as const)
    const row: Record<string, Result> = {}
    for (const feature of features) if (feature.long !== true) row[feature.id] = await verdictOf(feature, cell)
    return { ...row, ...Object.fromEntries(await Promise.all(long)) }
  } finally {
    await Promise.all(open.map((client) => client.close().catch(() => undefined)))
  }
}

async function verdictOf(feature: Feature, cell: Cell): Promise<Result> {
  const t0 = performance.now()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Result>((resolve) => {
    timer = setTimeout(() => resolve({ result: 'broken', note: `no answer within ${patienceMs} ms` }), patienceMs)
  })
  const answer = feature.run(cell).catch((thrown: unknown): Result => ({ result: 'broken', note: noteOf(thrown) }))
  const verdict = await Promise.race([answer, late])
  clearTimeout(timer)
  if (performance.now() - t0 > 400) console.log('SLOW', cell.clientKind, cell.serverKind, feature.id, Math.round(performance.now() - t0))
  return verdict
}

function noteOf(thrown: unknown): string {
  const { code, message } = thrown as { code?: unknown; message?: unknown }
  return `${code === undefined ? '' : `${String(code)} `}${String(message ?? thrown)}`.slice(0, 600)
}
