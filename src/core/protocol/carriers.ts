// Where names, URIs and task ids travel in MCP messages: one table and one walker, so that no method needs a rewriter of its own
// (MCP 2026-07-28, tasks extension SEP-2663). URIs in results are not listed, since the gateway leaves them unchanged.

export type Carried = 'tool' | 'prompt' | 'uri' | 'task'

export type Direction =
  /** `params` of a client's request. */
  | 'request'
  /** A server's `result`. */
  | 'result'
  /** `params` of a server's notification. */
  | 'notification'

interface Carrier {
  readonly carries: Carried
  /** Object keys; `*` stands for every element of an array. */
  readonly path: readonly string[]
}

const taskId: readonly Carrier[] = [{ carries: 'task', path: ['taskId'] }]

const carriers: Readonly<Record<Direction, Readonly<Record<string, readonly Carrier[]>>>> = {
  request: {
    'tools/call': [{ carries: 'tool', path: ['name'] }],
    'prompts/get': [{ carries: 'prompt', path: ['name'] }],
    'resources/read': [{ carries: 'uri', path: ['uri'] }],
    'completion/complete': [
      { carries: 'prompt', path: ['ref', 'name'] },
      { carries: 'uri', path: ['ref', 'uri'] },
    ],
    'subscriptions/listen': [
      { carries: 'uri', path: ['notifications', 'resourceSubscriptions', '*'] },
      { carries: 'task', path: ['notifications', 'taskIds', '*'] },
    ],
    'tasks/get': taskId,
    'tasks/update': taskId,
    'tasks/cancel': taskId,
  },
  result: {
    'tools/call': taskId,
    'prompts/get': taskId,
    'resources/read': taskId,
    'tasks/get': taskId,
    'tasks/update': taskId,
    'tasks/cancel': taskId,
  },
  notification: {
    'notifications/resources/updated': [{ carries: 'uri', path: ['uri'] }],
    'notifications/tasks': taskId,
  },
}

/** One name found in a message, with the path that an edit of it takes. */
export interface Found {
  readonly carries: Carried
  readonly path: readonly (string | number)[]
  readonly value: string
}

/** Every name, URI and task id that a parsed message of this method carries; what is no string is passed over. */
export function carriedIn(direction: Direction, method: string, message: unknown): Found[] {
  const found: Found[] = []
  const table = carriers[direction]
  if (!Object.hasOwn(table, method)) return found
  for (const carrier of table[method] ?? []) walk(carrier, message, 0, [], found)
  return found
}

/** What the target of a method is (`params.name`, `params.uri`, `params.taskId`); undefined where the method has no single one. */
export function targetOf(method: string): Carried | undefined {
  const table = carriers.request
  if (!Object.hasOwn(table, method)) return undefined
  const [only, second] = table[method] ?? []
  return second === undefined && only?.path.length === 1 ? only.carries : undefined
}

function walk(carrier: Carrier, value: unknown, depth: number, path: readonly (string | number)[], found: Found[]): void {
  const key = carrier.path[depth]
  if (key === undefined) {
    if (typeof value === 'string') found.push({ carries: carrier.carries, path, value })
    return
  }
  if (key === '*') {
    if (!Array.isArray(value)) return
    value.forEach((element, index) => {
      walk(carrier, element, depth + 1, [...path, index], found)
    })
    return
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, key)) return
  walk(carrier, (value as Record<string, unknown>)[key], depth + 1, [...path, key], found)
}
