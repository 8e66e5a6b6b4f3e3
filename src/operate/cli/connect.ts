// How to connect the clients that people have, ready to paste.

/** Lines for a person; `url` is the endpoint. */
export function howToConnect(url: string): string {
  const cursor = JSON.stringify({ mcpServers: { signalbox: { url } } })
  const code = JSON.stringify({ servers: { signalbox: { type: 'http', url } } })
  return [
    'Connect a client:',
    `  Claude Code    claude mcp add --transport http signalbox ${url}`,
    '  Cursor         put into ~/.cursor/mcp.json',
    `                 ${cursor}`,
    '  VS Code        put into .vscode/mcp.json',
    `                 ${code}`,
    `  MCP Inspector  npx @modelcontextprotocol/inspector --transport http --server-url ${url}`,
  ].join('\n')
}
