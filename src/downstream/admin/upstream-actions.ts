// What operators do to a server of a running gateway: `POST /admin/v1/upstreams/{name}/actions` with `{"action": "pause", "waitMs": 30000}`.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { answer, problem } from './answer.ts'
import { objectIn } from './asked.ts'
import { longestName, type Operations } from './operations.ts'

/** How the server stands afterwards. */
export interface ActionEnd {
  readonly state: string
  readonly inFlight: number
  readonly held: number
  /** What the action was for came about in time; else `reason`. */
  readonly done: boolean
  readonly reason?: string
}

export interface UpstreamActions {
  readonly actions: readonly string[]
  readonly maintenance: {
    knows(upstream: string): boolean
    /** `action` is one of `actions`. */
    act(upstream: string, action: string, waitMs: number): Promise<ActionEnd>
  }
}

export const actionAddress = '/admin/v1/upstreams/{name}/actions'

const mostBytes = 4_096
const usualWaitMs = 30_000
const longestWaitMs = 600_000

/** The server that a path is about; undefined of any other path. */
export function actionsOf(path: string): string | undefined {
  const name = /^\/admin\/v1\/upstreams\/([^/]+)\/actions$/.exec(path)?.[1]
  try {
    return name === undefined ? undefined : decodeURIComponent(name)
  } catch {
    return undefined
  }
}

export async function takeAction(
  req: IncomingMessage,
  res: ServerResponse,
  name: string,
  { actions, maintenance }: UpstreamActions,
  operations: Operations,
): Promise<void> {
  if (req.method !== 'POST')
    return problem(res, 405, 'Method not allowed', 'What is done to a server is sent with POST.', ['Allow', 'POST'])
  const asked = askedIn(await objectIn(req, mostBytes))
  if (asked === undefined || !actions.includes(asked.action)) {
    const detail = `Send {"action": "…"} with one of ${actions.join(', ')}; beside it "waitMs", a whole number up to ${longestWaitMs}, if you like.`
    return problem(res, 400, 'Bad request', detail)
  }
  const { action, waitMs } = asked
  const upstream = name.slice(0, longestName)
  if (!maintenance.knows(name)) {
    operations.note(req, { action, upstream, allowed: false, result: 'there is no such server' })
    return problem(res, 404, 'Not found', `The gateway has no server ${JSON.stringify(upstream)}.`)
  }
  let result = 'a bug of the gateway ended it'
  try {
    const end = await maintenance.act(name, action, waitMs)
    result = resultOf(end)
    answer(res, 200, 'application/json', JSON.stringify({ name, ...end }))
  } finally {
    operations.note(req, { action, upstream, allowed: true, result })
  }
}

function resultOf({ state, inFlight, held, done, reason }: ActionEnd): string {
  return `${state}, ${inFlight} in flight, ${held} held${done ? '' : `; not done: ${reason ?? 'nobody knows why'}`}`
}

function askedIn(body: Readonly<Record<string, unknown>> | undefined): { readonly action: string; readonly waitMs: number } | undefined {
  const { action, waitMs = usualWaitMs } = body ?? {}
  const isWait = typeof waitMs === 'number' && Number.isInteger(waitMs) && waitMs >= 0 && waitMs <= longestWaitMs
  return typeof action === 'string' && isWait ? { action, waitMs } : undefined
}
