// What is served, as a table: server, transport, revision, state, tools; and why a server is not there.
import { forTerminal } from '../../core/text/terminal.ts'
import type { ServerStatus } from '../gateway.ts'
import { type Style, table } from '../text.ts'

export function statusTable(servers: readonly ServerStatus[], style: Style): string {
  const rows = [
    ['server', 'transport', 'revision', 'state', 'tools'],
    ...servers.map((server) => [
      server.name,
      server.transport ?? '-',
      server.revision ?? '-',
      server.state,
      server.state === 'ready' || server.state === 'degraded' ? String(server.tools) : '-',
    ]),
  ]
  const text = table(rows, (cell, row, column) => {
    if (row === 0) return style.dim(cell)
    return column === 3 ? (cell === 'ready' ? style.good(cell) : style.bad(cell)) : cell
  })
  const reasons = servers
    .filter((server) => server.state !== 'ready')
    .map(
      (server) =>
        `  ${style.bad(server.name)}: ${forTerminal(server.reason ?? 'no answer yet')
          .trim()
          .replace(/\s*\n\s*/g, ' | ')}`,
    )
  return [text, ...reasons].join('\n')
}
