// Versions of a tool, for operators: `GET /admin/v1/tools/{server}/{tool}/usage` says who uses which and who is pinned to it, and
// `POST /admin/v1/tools/{server}/{tool}/deprecate` plans the end of one. A tool is named as its server names it, or by its family.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { dateMs } from '../../core/text/date.ts'
import { dayMs } from '../../core/text/duration.ts'
import { answer, problem } from './answer.ts'
import { objectIn, type ToolPath, toolPath } from './asked.ts'
import { longestName, type Operations } from './operations.ts'

interface Plan {
  readonly fromMs: number
  readonly sunsetMs: number | undefined
  readonly replacement: string | undefined
  readonly brownouts: readonly never[]
}

interface Objection {
  readonly kind: string
  readonly reason: string
}

/** The plan that holds, and whether configuration, an operator or the lock file made it. */
interface PlannedEnd {
  readonly plan: Omit<Plan, 'brownouts'>
  readonly by: string
}

/** As `gateway/versions` answers it. */
export interface ToolVersions {
  planned(upstream: string, tool: string): PlannedEnd | undefined
  report(
    upstream: string,
    tool: string,
  ): Promise<
    | {
        readonly days: number
        readonly usage: readonly { readonly lastMs: number }[] | undefined
        readonly isIncomplete: boolean
        readonly pins: readonly unknown[]
        readonly tools: readonly { readonly end: PlannedEnd | undefined }[]
      }
    | undefined
  >
  end(
    upstream: string,
    tool: string,
    wanted: { readonly version: number | undefined; readonly plan: Plan | undefined; readonly override: boolean },
  ): Promise<
    | { readonly kind: 'planned'; readonly tool: string; readonly version: number | undefined; readonly overridden: readonly Objection[] }
    | { readonly kind: 'refused'; readonly tool: string; readonly objections: readonly Objection[] }
    | { readonly kind: 'unknown'; readonly reason: string }
    | { readonly kind: 'unkept'; readonly tool: string; readonly reason: string }
  >
}

export const usageAddress = '/admin/v1/tools/{server}/{tool}/usage'
export const deprecateAddress = '/admin/v1/tools/{server}/{tool}/deprecate'

export type VersionsRequest = ToolPath<'usage' | 'deprecate'>

const mostBytes = 8_192
const longest = { path: 1_200, replacement: 256, reason: 500 }

export function versionsPath(path: string): VersionsRequest | undefined {
  return path.length > longest.path ? undefined : toolPath(path, ['usage', 'deprecate'])
}

export async function takeVersions(
  req: IncomingMessage,
  res: ServerResponse,
  { server, tool, what }: VersionsRequest,
  versions: ToolVersions,
  operations: Operations,
  now: number,
): Promise<void> {
  if (what === 'deprecate') return deprecate(req, res, server, tool, versions, operations, now)
  if (req.method !== 'GET' && req.method !== 'HEAD')
    return problem(res, 405, 'Method not allowed', 'Usage is read with GET.', ['Allow', 'GET, HEAD'])
  const found = await versions.report(server, tool)
  if (found === undefined) return problem(res, 404, 'Not found', `${quoted(server)} has no tool ${quoted(tool)}.`)
  const { days, usage, isIncomplete, pins, tools } = found
  if (usage === undefined) return problem(res, 503, 'Store unavailable', 'The durable store cannot say who used it.')
  answer(
    res,
    200,
    'application/json',
    JSON.stringify({
      server,
      tool,
      days,
      usage: usage.map(({ lastMs, ...use }) => ({ ...use, lastCall: new Date(lastMs).toISOString() })),
      ...(isIncomplete ? { incomplete: true } : {}),
      pins,
      versions: tools.map(({ end, ...one }) => ({ ...one, deprecation: end === undefined ? null : shownEnd(end) })),
    }),
  )
}

async function deprecate(
  req: IncomingMessage,
  res: ServerResponse,
  server: string,
  tool: string,
  versions: ToolVersions,
  operations: Operations,
  now: number,
): Promise<void> {
  if (req.method !== 'POST') return problem(res, 405, 'Method not allowed', 'The end of a tool is sent with POST.', ['Allow', 'POST'])
  const asked = askedIn(await objectIn(req, mostBytes), now)
  if (typeof asked === 'string') return problem(res, 400, 'Bad request', asked)
  const { plan, version, override, reason } = asked
  const end = await versions.end(server, tool, { version, plan, override })
  const action = plan === undefined ? 'cancel deprecation' : 'deprecate'
  const note = (item: string, allowed: boolean, result: string): void =>
    operations.note(req, {
      action,
      upstream: server,
      item,
      allowed,
      result: `${result}${reasoned(reason)}`,
    })
  if (end.kind === 'unknown') {
    note(tool, false, end.reason)
    return problem(res, 404, 'Not found', `${end.reason}.`)
  }
  if (end.kind === 'unkept') {
    note(end.tool, false, 'it could not be kept')
    return problem(res, 503, 'Store unavailable', `The plan could not be kept: ${end.reason}.`)
  }
  if (end.kind === 'refused') {
    const said = end.objections.map((one) => one.reason).join('; ')
    note(end.tool, false, said)
    const { objections } = end
    const body = { title: 'Conflict', status: 409, detail: `Not done: ${said}.`, objections }
    return answer(res, 409, 'application/problem+json', JSON.stringify(body))
  }
  const over = end.overridden.length === 0 ? '' : `, over: ${end.overridden.map((one) => one.reason).join('; ')}`
  note(end.tool, true, `${plan === undefined ? 'taken back' : JSON.stringify(shown(plan))}${over}`)
  const { overridden } = end
  // Where a plan was taken back, the one of the lock file may hold again.
  const holds = versions.planned(server, end.tool)
  answer(
    res,
    200,
    'application/json',
    JSON.stringify({ server, tool: end.tool, version: end.version, deprecation: holds === undefined ? null : shownEnd(holds), overridden }),
  )
}

interface Asked {
  readonly version: number | undefined
  readonly plan: Plan | undefined
  readonly override: boolean
  readonly reason: string | undefined
}

const form =
  'Send {"version": 1, "from": "YYYY-MM-DD", "sunset": "YYYY-MM-DD", "replacement": "…", "override": false, "reason": "…"}, of which `sunset`, `replacement`, `version` of a tool without one, and `from` (today) may be absent; or {"cancel": true}.'

/** What is asked for, or what is wrong with it. */
function askedIn(value: Readonly<Record<string, unknown>> | undefined, now: number): Asked | string {
  if (value === undefined) return form
  const { version, from, sunset, replacement, override = false, reason, cancel = false } = value
  if (typeof override !== 'boolean' || typeof cancel !== 'boolean') return form
  if (version !== undefined && !(typeof version === 'number' && Number.isSafeInteger(version) && version > 0)) return form
  if (!isText(replacement, longest.replacement) || !isText(reason, longest.reason)) return form
  if (override && reason === undefined) return 'An override needs a `reason`, which is kept in the audit.'
  if (cancel) return { version, plan: undefined, override, reason }
  const fromMs = from === undefined ? Math.floor(now / dayMs) * dayMs : dateIn(from)
  const sunsetMs = sunset === undefined ? undefined : dateIn(sunset)
  if (fromMs === undefined || (sunset !== undefined && sunsetMs === undefined)) return form
  if (sunsetMs !== undefined && sunsetMs < fromMs) return '`sunset` is before `from`.'
  return { version, plan: { fromMs, sunsetMs, replacement, brownouts: [] }, override, reason }
}

function dateIn(value: unknown): number | undefined {
  return typeof value === 'string' ? dateMs(value) : undefined
}

function isText(value: unknown, most: number): value is string | undefined {
  return value === undefined || (typeof value === 'string' && value.trim() !== '' && value.length <= most && !value.includes('\0'))
}

function shown({ fromMs, sunsetMs, replacement }: Omit<Plan, 'brownouts'>): Record<string, unknown> {
  return {
    from: new Date(fromMs).toISOString(),
    ...(sunsetMs === undefined ? {} : { sunset: new Date(sunsetMs).toISOString() }),
    replacement,
  }
}

export function shownEnd({ plan, by }: PlannedEnd): Readonly<Record<string, unknown>> {
  return { ...shown(plan), by }
}

function reasoned(reason: string | undefined): string {
  return reason === undefined ? '' : ` (${reason})`
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, longestName))
}
