// Where names, URIs and task ids travel in MCP messages: one table and one walker, so that no method needs a rewriter of its own
// (MCP 2026-07-28, tasks extension SEP-2663). Nothing else decides what a request is about: doors, catalog, record and exits ask here, so
// that the target that is authorised is the one that is sent. Of the URIs in results those are listed that a client would ask for next: the
// gateway changes them where two servers have one skill (SEP-2640) or a link is to what another server lists under its URI, nowhere else.
import { isObject } from './is-object.ts'
import { elements, MemberWalk, type Span, skipSpace } from './scan.ts'

export type Carried = 'tool' | 'prompt' | 'uri' | 'skill' | 'directory' | 'task' | 'link'

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
  /** `params.ref.type` of the requests that carry it; absent: all. */
  readonly refType?: string
  /** `Mcp-Name` must repeat it (SEP-2243, SEP-2663). */
  readonly header?: true
}

/** The one member of `params` that says what a request is about. */
export type Target = Omit<Carrier, 'refType'>

const taskId: readonly Carrier[] = [{ carries: 'task', path: ['taskId'] }]
/** Resource links and embedded resources, of content blocks at a path. */
const linksOf = (...path: readonly string[]): readonly Carrier[] => [
  { carries: 'link', path: [...path, 'uri'] },
  { carries: 'link', path: [...path, 'resource', 'uri'] },
]
const taskTarget: readonly Carrier[] = [{ carries: 'task', path: ['taskId'], header: true }]

const carriers: Readonly<Record<Direction, Readonly<Record<string, readonly Carrier[]>>>> = {
  request: {
    'tools/call': [{ carries: 'tool', path: ['name'], header: true }],
    'prompts/get': [{ carries: 'prompt', path: ['name'], header: true }],
    'resources/read': [{ carries: 'uri', path: ['uri'], header: true }],
    'resources/directory/read': [{ carries: 'directory', path: ['uri'] }],
    'skills/get': [{ carries: 'skill', path: ['uri'] }],
    'resources/subscribe': [{ carries: 'uri', path: ['uri'] }],
    'resources/unsubscribe': [{ carries: 'uri', path: ['uri'] }],
    'completion/complete': [
      { carries: 'prompt', path: ['ref', 'name'], refType: 'ref/prompt' },
      { carries: 'uri', path: ['ref', 'uri'], refType: 'ref/resource' },
    ],
    'subscriptions/listen': [
      { carries: 'uri', path: ['notifications', 'resourceSubscriptions', '*'] },
      { carries: 'task', path: ['notifications', 'taskIds', '*'] },
    ],
    'tasks/get': taskTarget,
    'tasks/update': taskTarget,
    'tasks/cancel': taskTarget,
  },
  result: {
    'tools/call': [...taskId, ...linksOf('content', '*')],
    'prompts/get': [...taskId, ...linksOf('messages', '*', 'content')],
    'resources/read': [...taskId, { carries: 'uri', path: ['contents', '*', 'uri'] }],
    'resources/directory/read': [{ carries: 'uri', path: ['resources', '*', 'uri'] }],
    'skills/get': [
      { carries: 'uri', path: ['skill', 'uri'] },
      { carries: 'uri', path: ['skill', 'resources', '*', 'uri'] },
    ],
    'tasks/get': [...taskId, ...linksOf('result', 'content', '*')],
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
  for (const carrier of table[method] ?? []) if (fits(carrier, message)) walk(carrier, message, 0, [], found)
  return found
}

/**
 * Where the strings of one kind stand in the bytes of a result that are known to be JSON, in their order; undefined where a member on the way
 * stands twice. Nothing is parsed and the time grows with the size alone: a server decides how many they are.
 */
export function carriedSpans(method: string, carries: Carried, bytes: Uint8Array): readonly Span[] | undefined {
  const found: Span[] = []
  const start = skipSpace(bytes, 0)
  for (const carrier of Object.hasOwn(carriers.result, method) ? (carriers.result[method] ?? []) : []) {
    if (carrier.carries === carries && !walkBytes(bytes, carrier.path, 0, { start, end: bytes.length }, found)) return undefined
  }
  return found.sort((one, other) => one.start - other.start)
}

/** Where the target of a request stands; undefined where its method has none, or its `ref` is of no known type. */
export function targetOf(method: string, params: unknown): Target | undefined {
  const only = single.get(method)
  if (only !== undefined || method !== 'completion/complete') return only
  return carriers.request[method]?.find((carrier) => fits(carrier, params))
}

function fits({ refType }: Carrier, params: unknown): boolean {
  return refType === undefined || memberOf(memberOf(params, 'ref'), 'type') === refType
}

const single: ReadonlyMap<string, Target> = new Map(
  Object.entries(carriers.request).flatMap(([method, [only, second]]): [string, Target][] =>
    only === undefined || second !== undefined || only.path.includes('*') ? [] : [[method, only]],
  ),
)

/** The value of a target in `params`; undefined where it is no string. */
export function targetValue(target: Target, params: unknown): string | undefined {
  let value = params
  for (const key of target.path) value = memberOf(value, key)
  return typeof value === 'string' ? value : undefined
}

/**
 * The members of `params` that name a target in other requests. A server has no use for them here, but two names in one request are two
 * readings of it, so they are not sent.
 */
export function strayTargets(target: Target, params: unknown): readonly (readonly string[])[] {
  if (typeof params !== 'object' || params === null) return none
  const [first, second] = target.path
  const { name, uri, taskId: task, ref } = params as Readonly<Record<string, unknown>>
  // One look on the path of every call; what is found is looked at again.
  const others =
    (name !== undefined && first !== 'name') || (uri !== undefined && first !== 'uri') || (task !== undefined && first !== 'taskId')
  if (!others && ref === undefined) return none
  const stray: (readonly string[])[] = ['name', 'uri', 'taskId', 'ref']
    .filter((key) => key !== first && Object.hasOwn(params, key))
    .map((key) => [key])
  if (second === undefined || first === undefined || typeof ref !== 'object' || ref === null) return stray
  return [...stray, ...['name', 'uri', 'taskId'].filter((key) => key !== second && Object.hasOwn(ref, key)).map((key) => [first, key])]
}

const none: readonly (readonly string[])[] = []

function memberOf(value: unknown, key: string): unknown {
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined
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
  const member = memberOf(value, key)
  if (member !== undefined) walk(carrier, member, depth + 1, [...path, key], found)
}

const [quote, openBracket, openBrace] = Buffer.from('"[{')

/** False where a member on the way stands twice. */
function walkBytes(b: Uint8Array, path: readonly string[], depth: number, at: Span, found: Span[]): boolean {
  const key = path[depth]
  const first = b[at.start]
  if (key === undefined) {
    if (first === quote) found.push(at)
    return true
  }
  if (key === '*') return first !== openBracket || elements(b, at.start).every((element) => walkBytes(b, path, depth + 1, element, found))
  if (first !== openBrace) return true
  let member: Span | undefined
  const walk = new MemberWalk(b, at.start, 'before')
  while (walk.next()) {
    if (!walk.keyIs(key)) continue
    if (member !== undefined) return false
    member = walk.span()
  }
  return member === undefined || walkBytes(b, path, depth + 1, member, found)
}
