// A real server (SDK 1, over stdio or, with sessions, over HTTP) whose build is a file: written anew and started again it is another build, as
// after a deployment.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { onTestFinished } from 'vitest'
import { freePort } from './free-port.ts'

const require = createRequire(import.meta.url)
const module = (name: string): string => JSON.stringify(pathToFileURL(require.resolve(`@modelcontextprotocol/sdk/${name}`)).href)

export interface Builds {
  /** Its entry in the configuration. */
  readonly server: { readonly command: string; readonly args: string[] }
  /** The next start has these tools. A running one is as it was. */
  deploy(tools: readonly unknown[], version?: string): void
  /** Ends the process that was started last. */
  kill(): void
  /** Processes that were started. */
  starts(): number
  /** Lists are answered only when this is taken back. */
  holdLists(hold: boolean): void
  /** Lists of tools that were asked for. */
  lists(): number
  /** Arguments of every call that reached a server, in order. */
  calls(): unknown[]
  /** Starts it over HTTP, always at the same address. */
  overHttp(): Promise<{ readonly url: string; start(): Promise<void> }>
}

export function builds(tools: readonly unknown[]): Builds {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-builds-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const at = (name: string): string => join(folder, name)
  const [build, log, asked, pids, held, program] = ['tools.json', 'calls', 'lists', 'pids', 'held', 'server.mjs'].map(at) as [
    string,
    string,
    string,
    string,
    string,
    string,
  ]
  for (const file of [log, asked, pids]) writeFileSync(file, '')
  const text = JSON.stringify
  writeFileSync(
    program,
    `import { once } from 'node:events'
     import { appendFileSync, existsSync, readFileSync, watch } from 'node:fs'
     import { createServer } from 'node:http'
     import { Server } from ${module('server/index.js')}
     import { StdioServerTransport } from ${module('server/stdio.js')}
     import { StreamableHTTPServerTransport } from ${module('server/streamableHttp.js')}
     import { CallToolRequestSchema, ListToolsRequestSchema } from ${module('types.js')}
     appendFileSync(${text(pids)}, process.pid + '\\n')
     const { tools, version } = JSON.parse(readFileSync(${text(build)}, 'utf8'))
     async function connect(transport) {
       const server = new Server({ name: 'builds', version }, { capabilities: { tools: { listChanged: true } } })
       server.setRequestHandler(ListToolsRequestSchema, async () => {
         appendFileSync(${text(asked)}, 'one\\n')
         const watcher = watch(${text(folder)})
         while (existsSync(${text(held)})) await once(watcher, 'change')
         watcher.close()
         return { tools }
       })
       server.setRequestHandler(CallToolRequestSchema, async ({ params }) => {
         appendFileSync(${text(log)}, JSON.stringify(params.arguments) + '\\n')
         return { content: [{ type: 'text', text: 'ok' }] }
       })
       await server.connect(transport)
     }
     if (process.argv[2] === undefined) await connect(new StdioServerTransport())
     else {
       const sessions = new Map()
       const http = createServer(async (req, res) => {
         const id = req.headers['mcp-session-id']
         let transport = sessions.get(id)
         if (transport === undefined && id !== undefined) return res.writeHead(404).end()
         if (transport === undefined) {
           transport = new StreamableHTTPServerTransport({
             sessionIdGenerator: () => crypto.randomUUID(),
             onsessioninitialized: (one) => void sessions.set(one, transport),
           })
           await connect(transport)
         }
         await transport.handleRequest(req, res)
       })
       http.listen(Number(process.argv[2]), '127.0.0.1', () => console.log('listening'))
     }`,
  )
  const deploy = (next: readonly unknown[], version = '1'): void => writeFileSync(build, text({ tools: next, version }))
  deploy(tools)
  const lines = (file: string): string[] =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
  let child: ChildProcess | undefined
  onTestFinished(() => void child?.kill('SIGKILL'))
  return {
    server: { command: process.execPath, args: [program] },
    deploy,
    kill: () => void process.kill(Number(lines(pids).at(-1)), 'SIGKILL'),
    starts: () => lines(pids).length,
    holdLists: (hold) => {
      if (hold) writeFileSync(held, '')
      else if (existsSync(held)) rmSync(held)
    },
    lists: () => lines(asked).length,
    calls: () => lines(log).map((line) => JSON.parse(line) as unknown),
    overHttp: async () => {
      const port = await freePort()
      const start = async (): Promise<void> => {
        if (child !== undefined) {
          child.kill('SIGKILL')
          await once(child, 'exit')
        }
        child = spawn(process.execPath, [program, String(port)], { stdio: ['ignore', 'pipe', 'inherit'] })
        await once(child.stdout as NonNullable<ChildProcess['stdout']>, 'data')
      }
      await start()
      return { url: `http://127.0.0.1:${port}/mcp`, start }
    },
  }
}
