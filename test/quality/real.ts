// Tools of real servers, called with varied arguments; each is then replayed as traffic of its own. Times are simulated, so that what is
// measured does not hang on the machine.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { ResultSchema } from '@modelcontextprotocol/sdk/types.js'
import { everything, filesystem, memory } from '../peers/servers.ts'
import type { Archetype } from './archetype.ts'
import { type Random, randomOf, seedOf } from './random.ts'

interface Plan {
  readonly tool: string
  readonly args: (random: Random) => Record<string, unknown>
  /** Of its own accord, among the others, that often. */
  readonly share?: number
  readonly empty: (body: unknown) => unknown
}

interface Recorded {
  readonly args: Record<string, unknown>
  readonly body: unknown
  readonly raw: Buffer
}

const blank = (): unknown => ''
const noContent = (): unknown => ({ content: '' })
const noGraph = (): unknown => ({ entities: [], relations: [] })
const cities = ['New York', 'Chicago', 'Los Angeles']

const ofEverything: readonly Plan[] = [
  {
    tool: 'echo',
    args: (random) => ({ message: Array.from({ length: random.between(1, 30) }, () => random.word()).join(' ') }),
    empty: blank,
  },
  { tool: 'get-sum', args: (random) => ({ a: random.between(0, 500), b: random.between(0, 500) }), empty: blank },
  {
    tool: 'get-structured-content',
    args: (random) => ({ location: random.pick(cities) }),
    empty: () => ({ temperature: 0, conditions: '', humidity: 0 }),
  },
  { tool: 'get-annotated-message', args: (random) => ({ messageType: random.pick(['success', 'debug']) }), empty: blank },
  { tool: 'get-resource-links', args: (random) => ({ count: random.between(1, 10) }), empty: blank },
  {
    tool: 'get-resource-reference',
    args: (random) => ({ resourceType: random.pick(['Text', 'Blob']), resourceId: random.between(1, 90) }),
    empty: blank,
  },
]

const people = Array.from({ length: 400 }, (_, index) => `${randomOf(seedOf('person', index)).word()}${index}`)

const ofMemory: readonly Plan[] = [
  {
    tool: 'create_entities',
    share: 0.1,
    args: (random) => ({
      entities: Array.from({ length: random.between(1, 3) }, () => ({
        name: `${random.word()}${random.between(1, 1e6)}`,
        entityType: 'thing',
        observations: [`${random.word()} ${random.word()}`],
      })),
    }),
    empty: () => ({ entities: [] }),
  },
  {
    tool: 'add_observations',
    share: 0.2,
    args: (random) => ({ observations: [{ entityName: random.pick(people), contents: [`${random.word()} ${random.word()}`] }] }),
    empty: () => ({ results: [] }),
  },
  { tool: 'read_graph', args: () => ({}), empty: noGraph },
  { tool: 'search_nodes', args: (random) => ({ query: people[random.popular(400, 1.6)]?.slice(0, 5) }), empty: noGraph },
  {
    tool: 'open_nodes',
    args: (random) => ({ names: Array.from({ length: random.between(1, 4) }, () => random.pick(people)) }),
    empty: noGraph,
  },
]

const file = (random: Random): string => `d${random.between(0, 9)}/f${random.popular(40, 1.5)}.txt`
const directory = (random: Random): string => `d${random.between(0, 9)}`

function ofFilesystem(folder: string): readonly Plan[] {
  const at = (path: string): string => join(folder, path)
  return [
    { tool: 'read_text_file', args: (random) => ({ path: at(file(random)) }), empty: noContent },
    { tool: 'read_multiple_files', args: (random) => ({ paths: [at(file(random)), at(file(random))] }), empty: noContent },
    { tool: 'list_directory', args: (random) => ({ path: at(directory(random)) }), empty: noContent },
    { tool: 'list_directory_with_sizes', args: (random) => ({ path: at(directory(random)) }), empty: noContent },
    { tool: 'directory_tree', args: (random) => ({ path: at(directory(random)) }), empty: () => ({ content: '[]' }) },
    {
      tool: 'search_files',
      args: (random) => ({ path: folder, pattern: `**/f${random.between(0, 39)}${random.chance(0.5) ? '.txt' : '*'}` }),
      empty: () => ({ content: 'No matches found' }),
    },
    { tool: 'get_file_info', args: (random) => ({ path: at(file(random)) }), empty: noContent },
    {
      tool: 'write_file',
      share: 0.2,
      args: (random) => ({ path: at(file(random)), content: `${random.word()}\n`.repeat(random.between(3, 50)) }),
      empty: noContent,
    },
  ]
}

async function record(
  server: { command: string; args: string[]; env?: Record<string, string> },
  plans: readonly Plan[],
  callsOfEach: number,
  before: (call: (name: string, args: Record<string, unknown>) => Promise<unknown>) => Promise<void>,
): Promise<Archetype[]> {
  const transport = new StdioClientTransport({ ...server, stderr: 'ignore' })
  const client = new Client({ name: 'quality', version: '1' })
  await client.connect(transport)
  try {
    const call = (name: string, args: Record<string, unknown>) =>
      client.request({ method: 'tools/call', params: { name, arguments: args } }, ResultSchema)
    await before(call)
    const { tools } = await client.listTools()
    const random = randomOf(seedOf('real', ...plans.map(({ tool }) => tool)))
    const calls = new Map<string, Recorded[]>(plans.map(({ tool }) => [tool, []]))
    for (let round = 0; round < callsOfEach; round += 1) {
      for (const plan of plans) {
        if (!random.chance(plan.share ?? 1)) continue
        const args = plan.args(random)
        const result = (await call(plan.tool, args)) as { isError?: boolean; content?: { text?: string }[]; structuredContent?: unknown }
        if (result.isError === true) throw new Error(`${plan.tool} failed: ${JSON.stringify(result)}`)
        const body = result.structuredContent ?? result.content?.map(({ text = '' }) => text).join('\n') ?? ''
        calls.get(plan.tool)?.push({ args, body, raw: Buffer.from(JSON.stringify(result)) })
      }
    }
    return plans.map(({ tool, empty }) =>
      replayed(tool, tools.find(({ name }) => name === tool)?.outputSchema, calls.get(tool) ?? [], empty),
    )
  } finally {
    await client.close()
  }
}

function replayed(
  tool: string,
  outputSchema: Record<string, unknown> | undefined,
  calls: readonly Recorded[],
  empty: Plan['empty'],
): Archetype {
  return {
    name: tool,
    tool,
    readOnly: true,
    everyMs: 100_000,
    calls: calls.length,
    ...(outputSchema === undefined ? {} : { outputSchema }),
    empty,
    live: (random) => {
      let index = 0
      return () => {
        const call = calls[index]
        if (call === undefined) throw new Error(`no more calls of ${tool} were recorded`)
        index += 1
        return { ...call, latencyMs: random.about(4, 0.4) }
      }
    },
  }
}

/** Reads of a graph of which the file is deleted after so many of them; the answers of the server, in order. */
export async function recordLostFile(readsBefore: number, tool: 'read_graph' | 'open_nodes'): Promise<Archetype> {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-quality-'))
  const graph = join(folder, 'graph.json')
  const transport = new StdioClientTransport({ ...memory(graph), stderr: 'ignore' })
  const client = new Client({ name: 'quality', version: '1' })
  try {
    await client.connect(transport)
    const call = (name: string, args: Record<string, unknown>) =>
      client.request({ method: 'tools/call', params: { name, arguments: args } }, ResultSchema)
    await call('create_entities', {
      entities: people.slice(0, 30).map((name) => ({ name, entityType: 'person', observations: [`knows ${name}`] })),
    })
    const { tools } = await client.listTools()
    const calls: Recorded[] = []
    for (let index = 0; index < readsBefore + 20; index += 1) {
      if (index === readsBefore) rmSync(graph)
      const args = tool === 'read_graph' ? {} : { names: [people[(index * 7) % 30], people[(index * 11) % 30]] }
      const result = (await call(tool, args)) as { structuredContent?: unknown }
      calls.push({ args, body: result.structuredContent, raw: Buffer.from(JSON.stringify(result)) })
    }
    return replayed(tool, tools.find(({ name }) => name === tool)?.outputSchema, calls, noGraph)
  } finally {
    await client.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** So many calls of each tool, fewer of those that write. */
export async function recordServers(callsOfEach: number): Promise<readonly Archetype[]> {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-quality-'))
  try {
    const files = join(folder, 'files')
    const random = randomOf(seedOf('files'))
    for (let d = 0; d < 10; d += 1) {
      mkdirSync(join(files, `d${d}`), { recursive: true })
      for (let f = 0; f < 40; f += 1)
        writeFileSync(join(files, `d${d}`, `f${f}.txt`), `${random.word()} ${random.word()}\n`.repeat(Math.ceil(random.about(8, 0.8))))
    }
    const none = async (): Promise<void> => undefined
    const known = async (call: (name: string, args: Record<string, unknown>) => Promise<unknown>): Promise<void> => {
      const entities = people.map((name) => ({ name, entityType: 'person', observations: [`knows ${name}`] }))
      await call('create_entities', { entities })
      await call('create_relations', {
        relations: people.slice(1).map((to, index) => ({ from: people[index], to, relationType: 'knows' })),
      })
    }
    return [
      ...(await record(everything, ofEverything, callsOfEach, none)),
      ...(await record(memory(join(folder, 'graph.json')), ofMemory, Math.min(callsOfEach, 800), known)),
      ...(await record(filesystem(files), ofFilesystem(files), callsOfEach, none)),
    ]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
