// `signalbox ls`: what a running gateway serves, as a modern client sees it.
import { metaKey } from '../../core/protocol/names.ts'
import { forTerminal, jsonForTerminal, onOneLine } from '../../core/text/terminal.ts'
import { ClientProblem, GatewayClient } from './client.ts'
import { type ExitCode, exit } from './exit.ts'
import { firstLine, styleFor, table } from './text.ts'

export interface ListOptions {
  readonly url: string
  readonly json?: boolean
}

type Item = Record<string, unknown>

const kinds = [
  { title: 'Tools', capability: 'tools', method: 'tools/list', member: 'tools', key: 'name' },
  { title: 'Prompts', capability: 'prompts', method: 'prompts/list', member: 'prompts', key: 'name' },
  { title: 'Resources', capability: 'resources', method: 'resources/list', member: 'resources', key: 'uri' },
  {
    title: 'Resource templates',
    capability: 'resources',
    method: 'resources/templates/list',
    member: 'resourceTemplates',
    key: 'uriTemplate',
  },
] as const

export async function ls(options: ListOptions): Promise<ExitCode> {
  try {
    const client = new GatewayClient(options.url)
    const discovered = (await client.ask('server/discover')).result.json() as Item
    const capabilities = (discovered.capabilities ?? {}) as Item
    const found: Record<string, Item[]> = {}
    for (const kind of kinds) {
      if (capabilities[kind.capability] !== undefined) found[kind.member] = await client.list(kind.method, kind.member)
    }
    process.stdout.write(
      options.json === true
        ? `${jsonForTerminal(JSON.stringify({ url: options.url, ...found }))}\n`
        : asText(options.url, discovered, found),
    )
    return exit.ok
  } catch (thrown) {
    if (!(thrown instanceof ClientProblem)) throw thrown
    process.stderr.write(`${forTerminal(thrown.message)}\n`)
    return exit.failed
  }
}

function asText(url: string, discovered: Item, found: Readonly<Record<string, Item[]>>): string {
  const style = styleFor(process.stdout)
  const info = ((discovered._meta as Item | undefined)?.[metaKey.serverInfo] ?? {}) as Item
  const parts = [`${style.bold(onOneLine(`${info.name ?? 'server'} ${info.version ?? ''}`.trim()))} at ${url}`]
  for (const kind of kinds) {
    const items = found[kind.member] ?? []
    if (items.length === 0) continue
    const rows = items.map((item) => [
      firstLine(String(item[kind.key] ?? ''), 64),
      firstLine(String(item.description ?? item.title ?? ''), 88),
    ])
    parts.push(
      `${style.bold(`${kind.title} (${items.length})`)}\n${table(rows, (cell, _, column) => (column === 1 ? style.dim(cell) : cell))}`,
    )
  }
  if (parts.length === 1) parts.push('Nothing is served here at the moment.')
  return `${parts.join('\n\n')}\n`
}
