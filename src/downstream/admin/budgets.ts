// What is used of limits, for operators: `GET /admin/v1/budgets`, and `POST /admin/v1/budgets/{id}/actions` with `{"action": "clear"}`.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { answer, problem } from './answer.ts'
import { objectIn } from './asked.ts'
import type { Operations } from './operations.ts'

/** As `gateway/limits` keeps it; `id` is what `clear` takes. */
export interface BudgetEntry {
  readonly id: string
  readonly windowMs?: number
  readonly resetsAtMs?: number
  readonly upstream?: string
  readonly tool?: string
}

export interface Budgets {
  /** The fullest first. */
  show(): readonly BudgetEntry[]
  clear(id: string): Promise<{ readonly kind: 'cleared' | 'unknown' } | { readonly kind: 'unkept'; readonly reason: string }>
}

export const budgetsAddress = '/admin/v1/budgets'
export const clearAddress = '/admin/v1/budgets/{id}/actions'

/** What is shown at once. */
const most = 1_000
const mostBytes = 4_096

export function showBudgets(res: ServerResponse, budgets: Budgets): void {
  const all = budgets.show()
  const shown = all.slice(0, most).map(({ windowMs, resetsAtMs, ...entry }) => ({
    ...entry,
    ...(windowMs === undefined ? {} : { window_ms: windowMs }),
    ...(resetsAtMs === undefined ? {} : { resets_at: new Date(resetsAtMs).toISOString() }),
  }))
  answer(res, 200, 'application/json', JSON.stringify({ budgets: shown, all: all.length }))
}

/** The limit that a path is about; undefined of any other path. */
export function clearedIn(path: string): string | undefined {
  return /^\/admin\/v1\/budgets\/([0-9a-f]{1,64})\/actions$/.exec(path)?.[1]
}

export async function takeClear(
  req: IncomingMessage,
  res: ServerResponse,
  id: string,
  budgets: Budgets,
  operations: Operations,
): Promise<void> {
  if (req.method !== 'POST') return problem(res, 405, 'Method not allowed', 'What is done to a limit is sent with POST.', ['Allow', 'POST'])
  const asked = await objectIn(req, mostBytes)
  if (asked?.action !== 'clear') return problem(res, 400, 'Bad request', 'Send {"action": "clear"}.')
  const found = budgets.show().find((one) => one.id === id)
  const done = await budgets.clear(id)
  const { upstream, tool: item } = found ?? {}
  const results = {
    cleared: () => `limit ${toldOf(id, found)}`,
    unknown: () => `no limit ${id}`,
    unkept: () => `the store did not give back limit ${toldOf(id, found)}`,
  }
  operations.note(req, { action: 'clear', upstream, item, allowed: done.kind === 'cleared', result: results[done.kind]() })
  if (done.kind === 'unknown') return problem(res, 404, 'Not found', `There is no limit ${id} of which anything is known to be used.`)
  if (done.kind === 'unkept')
    return problem(res, 503, 'Store unavailable', `Nothing was given back, since the store would count it again: ${done.reason}.`)
  answer(res, 200, 'application/json', JSON.stringify({ id, cleared: true }))
}

/** What was given back, and of whom. */
function toldOf(id: string, found: BudgetEntry | undefined): string {
  return found === undefined ? id : JSON.stringify(found)
}
