// The tasks extension as a client speaks it: SDK 2.4 refuses results of the type `task`, so this speaks the protocol itself.
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import type { ClientKind, Where } from '../peers/clients.ts'

const extension = 'io.modelcontextprotocol/tasks'
const meta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'crossing-tasks', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': { extensions: { [extension]: {} } },
}

type Answer = { result?: Record<string, unknown>; error?: { code: number; message: string } }
type Send = (method: string, name: string, params: Record<string, unknown>) => Promise<Answer>

/** Calls the tool as a task, polls it to its end and returns the text of its result. `handed`: the client got the handle itself. */
export async function runTask(kind: ClientKind, where: Where, tool: string): Promise<{ handed: boolean; text: string }> {
  const { send, close } = kind.endsWith('http') ? overHttp(where) : await overStdio(where)
  try {
    let { result = {}, error } = await send('tools/call', tool, { name: tool, arguments: {} })
    if (result.resultType !== 'task') return { handed: false, text: JSON.stringify(result.content ?? error) }
    const taskId = String(result.taskId)
    for (let polls = 0; polls < 100 && error === undefined && result.status !== 'completed'; polls += 1) {
      await new Promise((resolve) => setTimeout(resolve, 20))
      ;({ result = {}, error } = await send('tasks/get', taskId, { taskId }))
    }
    return { handed: true, text: JSON.stringify(result.result ?? error) }
  } finally {
    await close()
  }
}

function overHttp({ base, mount = '' }: Where): { send: Send; close(): Promise<void> } {
  return {
    send: async (method, name, params) => {
      const response = await fetch(`${base}/mcp${mount}`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'mcp-protocol-version': '2026-07-28',
          'mcp-method': method,
          'mcp-name': name,
        },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: meta } }),
      })
      const text = await response.text()
      const last = text.startsWith('{')
        ? text
        : (text
            .match(/^data: (\{.*)$/gm)
            ?.at(-1)
            ?.slice(6) ?? '{}')
      return JSON.parse(last) as Answer
    },
    close: async () => undefined,
  }
}

async function overStdio(where: Where): Promise<{ send: Send; close(): Promise<void> }> {
  if (where.command === undefined) throw new Error('a stdio client needs the command of its gateway')
  const transport = new StdioClientTransport({ ...where.command, stderr: 'ignore' })
  const waiting = new Map<unknown, (answer: Answer) => void>()
  transport.onmessage = (message) => waiting.get((message as { id?: unknown }).id)?.(message as Answer)
  await transport.start()
  let id = 0
  return {
    send: (method, _name, params) =>
      new Promise((resolve, reject) => {
        id += 1
        waiting.set(id, resolve)
        transport.send({ jsonrpc: '2.0', id, method, params: { ...params, _meta: meta } }).catch(reject)
      }),
    close: () => transport.close(),
  }
}
