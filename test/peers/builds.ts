// A real server (SDK 1, stdio) whose build is a file: written anew and started again it is another build, as after a deployment.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { onTestFinished } from 'vitest'

const require = createRequire(import.meta.url)
const module = (name: string): string => JSON.stringify(pathToFileURL(require.resolve(`@modelcontextprotocol/sdk/${name}`)).href)

export interface Builds {
  /** Its entry in the configuration. */
  readonly server: { readonly command: string; readonly args: string[] }
  /** The next start has these tools. A running one is as it was. */
  deploy(tools: readonly unknown[]): void
  /** Arguments of every call that reached a server, in order. */
  calls(): unknown[]
}

export function builds(tools: readonly unknown[]): Builds {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-builds-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const build = join(folder, 'tools.json')
  const log = join(folder, 'calls.jsonl')
  const program = join(folder, 'server.mjs')
  writeFileSync(log, '')
  writeFileSync(
    program,
    `import { appendFileSync, readFileSync } from 'node:fs'
     import { Server } from ${module('server/index.js')}
     import { StdioServerTransport } from ${module('server/stdio.js')}
     import { CallToolRequestSchema, ListToolsRequestSchema } from ${module('types.js')}
     const tools = JSON.parse(readFileSync(${JSON.stringify(build)}, 'utf8'))
     const server = new Server({ name: 'builds', version: '1' }, { capabilities: { tools: { listChanged: true } } })
     server.setRequestHandler(ListToolsRequestSchema, async () => ({ tools }))
     server.setRequestHandler(CallToolRequestSchema, async ({ params }) => {
       appendFileSync(${JSON.stringify(log)}, JSON.stringify(params.arguments) + '\\n')
       return { content: [{ type: 'text', text: 'ok' }] }
     })
     await server.connect(new StdioServerTransport())`,
  )
  const deploy = (next: readonly unknown[]): void => writeFileSync(build, JSON.stringify(next))
  deploy(tools)
  return {
    server: { command: process.execPath, args: [program] },
    deploy,
    calls: () =>
      readFileSync(log, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as unknown),
  }
}
