// What a request asks of the admin door: the object in its body, and the tool that its path names.
import type { IncomingMessage } from 'node:http'
import { isObject } from '../../core/protocol/is-object.ts'
import { readBody } from '../http/body.ts'

/** Undefined where the body is larger, is no JSON or no object. */
export function objectIn(req: IncomingMessage, mostBytes: number): Promise<Readonly<Record<string, unknown>> | undefined> {
  return new Promise((resolve) => readBody(req, mostBytes, (read) => resolve('body' in read ? parsed(read.body) : undefined)))
}

function parsed(body: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

export const toolsAddress = '/admin/v1/tools'

/** One tool of one server, and what of it. */
export interface ToolPath<What extends string> {
  readonly server: string
  readonly tool: string
  readonly what: What
}

/** Undefined of any other path. Names of tools may hold a slash, written as %2F. */
export function toolPath<What extends string>(path: string, whats: readonly What[]): ToolPath<What> | undefined {
  const [server, tool, last, ...more] = path.startsWith(`${toolsAddress}/`) ? path.slice(toolsAddress.length + 1).split('/') : []
  const what = whats.find((one) => one === last)
  if (!server || !tool || what === undefined || more.length > 0) return undefined
  try {
    return { server: decodeURIComponent(server), tool: decodeURIComponent(tool), what }
  } catch {
    return undefined
  }
}
