// `signalbox call TOOL JSON`: calls one tool of a running gateway. The result goes to standard output, progress and log messages to
// standard error; questions of the tool are asked on the terminal.

import { headerParams } from '../../core/protocol/header-params.ts'
import { paramHeaders } from '../../core/protocol/headers.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import type { IncomingNotification, IncomingResult } from '../../core/protocol/jsonrpc.ts'
import { asBuffer } from '../../core/protocol/scan.ts'
import { nearest } from '../../core/text/nearest.ts'
import { forTerminal, jsonForTerminal, onOneLine } from '../../core/text/terminal.ts'
import { authorizationFor } from '../client/authorization.ts'
import { ClientProblem, GatewayClient } from '../client/client.ts'
import { styleFor } from '../text.ts'
import { answerQuestions, type Questions } from './answer.ts'
import { hasTerminal } from './ask.ts'
import { type ExitCode, exit } from './exit.ts'

export interface CallOptions {
  readonly url: string
  readonly token?: string
  readonly json?: boolean
}

/** A tool that keeps asking is stopped. */
const mostRounds = 10

export async function call(tool: string, json: string, options: CallOptions): Promise<ExitCode> {
  const problem = argumentProblem(json)
  if (problem !== undefined) {
    process.stderr.write(`${forTerminal(problem)}\n`)
    return exit.usage
  }
  const cancel = new AbortController()
  const stop = () => cancel.abort()
  process.once('SIGINT', stop)
  try {
    const result = await run(new GatewayClient(options.url, await authorizationFor(options.url, options.token)), tool, json, cancel.signal)
    return tell(result, options)
  } catch (thrown) {
    if (!(thrown instanceof ClientProblem)) throw thrown
    process.stderr.write(`${styleFor(process.stderr).bad(forTerminal(thrown.message))}\n`)
    return cancel.signal.aborted ? exit.interrupted : exit.failed
  } finally {
    process.off('SIGINT', stop)
  }
}

function argumentProblem(json: string): string | undefined {
  try {
    const value: unknown = JSON.parse(json)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return undefined
    return `The arguments have to be a JSON object, for example '{"message": "hi"}'; got ${Array.isArray(value) ? 'a list' : String(json)}.`
  } catch (thrown) {
    return `The arguments are no valid JSON (${(thrown as Error).message}). Write them in single quotes: '{"message": "hi"}'.`
  }
}

async function run(client: GatewayClient, tool: string, json: string, signal: AbortSignal): Promise<IncomingResult> {
  const tools = await client.list('tools/list', 'tools')
  const definition = tools.find((each) => each.name === tool)
  if (definition === undefined) {
    const [near] = nearest(
      tool,
      tools.map((each) => String(each.name)),
    )
    throw new ClientProblem(
      `There is no tool ${tool} here${near === undefined ? '' : `; did you mean ${near}?`} \`signalbox ls\` shows all ${tools.length}.`,
    )
  }
  const declared = isObject(definition.inputSchema) ? headerParams(definition.inputSchema) : []
  const headers = paramHeaders('reason' in declared ? [] : declared, JSON.parse(json), Buffer.from(json))
  let more: Readonly<Record<string, string>> = {}
  for (let round = 0; round < mostRounds; round++) {
    const result = await client.ask('tools/call', {
      params: { name: JSON.stringify(tool), arguments: json, ...more },
      name: tool,
      headers,
      capabilities: hasTerminal() ? { elicitation: { form: {}, url: {} } } : {},
      onNotification: tellNotification,
      signal,
    })
    if (result.facts.resultType !== 'input_required') return result
    more = await answerQuestions(result.result.json() as Questions)
  }
  throw new ClientProblem(`${tool} asked more than ${mostRounds} times; the call was given up`)
}

function tellNotification(notification: IncomingNotification): void {
  const params = (notification.params?.json() ?? {}) as Record<string, unknown>
  const style = styleFor(process.stderr)
  if (notification.method === 'notifications/progress') {
    const total = params.total === undefined ? '' : ` of ${onOneLine(String(params.total))}`
    const message = typeof params.message === 'string' ? ` ${forTerminal(params.message)}` : ''
    process.stderr.write(style.dim(`progress ${onOneLine(String(params.progress))}${total}${message}\n`))
  } else if (notification.method === 'notifications/message') {
    const data = typeof params.data === 'string' ? params.data : JSON.stringify(params.data)
    process.stderr.write(style.dim(`${forTerminal(String(params.level))}: ${forTerminal(data ?? '')}\n`))
  }
}

function tell(result: IncomingResult, options: CallOptions): ExitCode {
  if (options.json === true) process.stdout.write(`${jsonForTerminal(asBuffer(result.result.bytes).toString('utf8'))}\n`)
  else {
    const text = asText(result)
    if (result.facts.isError) process.stderr.write(`${styleFor(process.stderr).bad(text)}\n`)
    else process.stdout.write(`${text}\n`)
  }
  return result.facts.isError ? exit.failed : exit.ok
}

function asText(result: IncomingResult): string {
  const { content, structuredContent } = result.result.json() as { content?: unknown; structuredContent?: unknown }
  const blocks = Array.isArray(content) ? content.map(blockText) : []
  // By the specification a text block repeats structured content; without one it is all there is.
  if (blocks.length === 0 && structuredContent !== undefined) blocks.push(jsonForTerminal(JSON.stringify(structuredContent, null, 2)))
  return blocks.length === 0 ? '(an empty result)' : blocks.join('\n')
}

function blockText(block: Record<string, unknown>): string {
  if (block.type === 'text' && typeof block.text === 'string') return forTerminal(block.text)
  if (block.type === 'image' || block.type === 'audio') {
    const bytes = typeof block.data === 'string' ? Math.floor((block.data.length * 3) / 4) : 0
    return `(${block.type}, ${onOneLine(String(block.mimeType ?? 'unknown type'))}, about ${bytes} bytes; --json shows it)`
  }
  if (block.type === 'resource_link') return `(link to ${onOneLine(String(block.uri))})`
  return jsonForTerminal(JSON.stringify(block))
}
