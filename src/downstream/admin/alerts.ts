// Tools whose results are not as usual, for operators: `GET /admin/v1/alerts`, `POST /admin/v1/alerts/{id}/actions` with
// `{"action": "normal"}` or `{"action": "fault"}`, and `GET /admin/v1/tools/{server}/{tool}/quality`.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { answer, problem } from './answer.ts'
import { objectIn, type ToolPath, toolPath } from './asked.ts'
import { longestName, type Operations } from './operations.ts'

/** As `gateway/quality` keeps it. */
export interface AlertEntry {
  readonly id: string
  readonly upstream: string
  readonly tool: string
  readonly owner: string | undefined
  readonly kind: string
  readonly severity: 'info' | 'warn'
  readonly text: string
  readonly sinceMs: number
  readonly updatedMs: number
  readonly results: number
  readonly affected: number
  readonly firstCall: string | undefined
  readonly deploy: { readonly what: string; readonly atMs: number } | undefined
  readonly acknowledged: string | undefined
  readonly closedMs: number | undefined
}

export interface Quality {
  /** Open ones first. */
  alerts(): readonly AlertEntry[]
  acknowledge(id: string, as: 'normal' | 'fault'): AlertEntry | undefined
  report(upstream: string, tool: string): QualityReport | undefined
}

export interface QualityReport {
  readonly results: object
  readonly usual: object
  readonly contract: string | undefined
  readonly version: string | undefined
  readonly alerts: readonly AlertEntry[]
}

export const alertsAddress = '/admin/v1/alerts'
export const acknowledgeAddress = '/admin/v1/alerts/{id}/actions'
export const qualityAddress = '/admin/v1/tools/{server}/{tool}/quality'

const mostBytes = 4_096
const off = 'Results are not judged here: `quality.enabled` is false.'

export function showAlerts(res: ServerResponse, quality: Quality | undefined): void {
  answer(res, 200, 'application/json', JSON.stringify({ alerts: (quality?.alerts() ?? []).map(shown) }))
}

/** The alert that a path is about; undefined of any other path. */
export function acknowledgedIn(path: string): string | undefined {
  return /^\/admin\/v1\/alerts\/([0-9a-f]{1,64})\/actions$/.exec(path)?.[1]
}

export async function takeAcknowledgement(
  req: IncomingMessage,
  res: ServerResponse,
  id: string,
  quality: Quality | undefined,
  operations: Operations,
): Promise<void> {
  if (req.method !== 'POST')
    return problem(res, 405, 'Method not allowed', 'What is said of an alert is sent with POST.', ['Allow', 'POST'])
  const asked = await objectIn(req, mostBytes)
  const action = asked?.action
  if (action !== 'normal' && action !== 'fault')
    return problem(res, 400, 'Bad request', 'Send {"action": "normal"} where the tool is so now, or {"action": "fault"} where it is not.')
  const alert = quality?.acknowledge(id, action)
  operations.note(req, {
    action: `ack ${action}`,
    upstream: alert?.upstream,
    item: alert?.tool,
    allowed: alert !== undefined,
    result: alert === undefined ? `no open alert ${id}` : `alert ${id}: ${alert.text}`,
  })
  if (alert === undefined) return problem(res, 404, 'Not found', `There is no alert ${id} that is open.`)
  answer(res, 200, 'application/json', JSON.stringify(shown(alert)))
}

export type QualityRequest = ToolPath<'quality'>

export function qualityPath(path: string): QualityRequest | undefined {
  return path.length > longestPath ? undefined : toolPath(path, ['quality'])
}

const longestPath = 1_200

export function showQuality(
  req: IncomingMessage,
  res: ServerResponse,
  { server, tool }: QualityRequest,
  quality: Quality | undefined,
): void {
  const found = quality?.report(server, tool)
  if (req.method !== 'GET' && req.method !== 'HEAD') {
    problem(res, 405, 'Method not allowed', 'What is usual of a tool is read with GET.', ['Allow', 'GET, HEAD'])
  } else if (found === undefined) {
    problem(res, 404, 'Not found', quality === undefined ? off : `No result of ${quoted(tool)} of ${quoted(server)} was seen yet.`)
  } else showReport(res, server, tool, found)
}

function showReport(res: ServerResponse, server: string, tool: string, { alerts, ...report }: QualityReport): void {
  answer(res, 200, 'application/json', JSON.stringify({ server, tool, ...report, alerts: alerts.map(shown) }))
}

function shown(alert: AlertEntry): Record<string, unknown> {
  const {
    id,
    upstream,
    tool,
    owner,
    kind,
    severity,
    text,
    sinceMs,
    updatedMs,
    results,
    affected,
    firstCall,
    deploy,
    acknowledged,
    closedMs,
  } = alert
  return {
    id,
    server: upstream,
    tool,
    ...(owner === undefined ? {} : { owner }),
    kind,
    severity,
    text,
    since: iso(sinceMs),
    updated: iso(updatedMs),
    results,
    affected,
    ...(firstCall === undefined ? {} : { firstCall }),
    ...(deploy === undefined ? {} : { deploy: { what: deploy.what, at: iso(deploy.atMs) } }),
    ...(acknowledged === undefined ? {} : { acknowledged }),
    ...(closedMs === undefined ? {} : { closed: iso(closedMs) }),
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, longestName))
}
