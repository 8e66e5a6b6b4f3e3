// The registry of tools for operators: `GET /admin/v1/tools`, `GET /admin/v1/tools/{server}/{tool}/contracts`, and
// `POST /admin/v1/tools/{server}/{tool}/approve` or `/reject` with `{"expect": ["c1:…"], "reason": "…"}`: exactly what was seen, or nothing.
// `adapter` approves that calls are translated.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { readTranslationAsked, type TranslationAsked, translationForms } from '../../core/call/translation-asked.ts'
import { answer, problem } from './answer.ts'
import { objectIn, type ToolPath, toolPath, toolsAddress } from './asked.ts'
import { type Operations, operatorOf } from './operations.ts'
import { shownEnd, type ToolVersions } from './tool-versions.ts'

/** As `gateway/contracts` keeps it. */
export interface ToolEntry {
  readonly server: string
  readonly tool: string
  readonly state: string
}

/** Calls by the contract that is shown are translated into what the server takes. */
interface Translated {
  readonly asked: TranslationAsked
  readonly override: boolean
}

export interface Tools {
  list(after: { readonly server: string; readonly tool: string } | undefined, most: number): readonly ToolEntry[]
  find(server: string, tool: string): ToolEntry | undefined
  contracts(server: string, tool: string): Promise<readonly object[] | undefined>
  decide(
    server: string,
    tool: string,
    asked: {
      readonly action: 'approve' | 'reject'
      readonly expect: readonly string[]
      readonly by: string
      readonly reason: string | undefined
      readonly translation?: Translated | undefined
    },
  ): Promise<
    | { readonly ok: true; readonly entry: ToolEntry }
    | { readonly ok: false; readonly why: 'unknown' | 'unread' | 'expect' | 'incomplete' | 'untranslated'; readonly detail: string }
  >
}

export const contractsAddress = `${toolsAddress}/{server}/{tool}/contracts`
export const decisionAddress = `${toolsAddress}/{server}/{tool}/approve|reject`

const pageSize = 100
const largestPage = 1_000
const mostBytes = 65_536
const mostExpected = 8
const longestReason = 500

/** `?limit=` and `?cursor=`, as the page before gave it. */
export function showTools(req: IncomingMessage, res: ServerResponse, tools: Tools, versions: Pick<ToolVersions, 'planned'>): void {
  const { searchParams } = new URL(req.url ?? '/', 'http://localhost')
  const wanted = searchParams.get('limit') ?? String(pageSize)
  const limit = Number(wanted)
  const cursor = searchParams.get('cursor')
  const after = cursor === null ? undefined : openCursor(cursor)
  const isLimit = /^\d{1,6}$/.test(wanted) && limit >= 1
  if (!isLimit || (cursor !== null && after === undefined)) {
    problem(res, 400, 'Bad request', isLimit ? '`cursor` is that of the page before.' : '`limit` is a whole number from 1 on.')
    return
  }
  const most = Math.min(limit, largestPage)
  // One more tells whether there is another page.
  const found = tools.list(after, most + 1)
  const page = found.slice(0, most)
  const last = found.length > most ? page.at(-1) : undefined
  const next = last === undefined ? {} : { nextCursor: Buffer.from(JSON.stringify([last.server, last.tool])).toString('base64url') }
  const entries = page.map((entry) => {
    const end = versions.planned(entry.server, entry.tool)
    return end === undefined ? entry : { ...entry, deprecation: shownEnd(end) }
  })
  answer(res, 200, 'application/json', JSON.stringify({ tools: entries, ...next }))
}

function openCursor(text: string): { readonly server: string; readonly tool: string } | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
    if (!Array.isArray(value)) return undefined
    const [server, tool] = value as unknown[]
    return typeof server === 'string' && typeof tool === 'string' ? { server, tool } : undefined
  } catch {
    return undefined
  }
}

export type ToolRequest = ToolPath<'contracts' | 'approve' | 'reject'>

export function toolIn(path: string): ToolRequest | undefined {
  return toolPath(path, ['contracts', 'approve', 'reject'])
}

export async function takeTool(
  req: IncomingMessage,
  res: ServerResponse,
  { server, tool, what }: ToolRequest,
  tools: Tools,
  operations: Operations,
): Promise<void> {
  if (what === 'contracts') return showContracts(req, res, server, tool, tools)
  if (req.method !== 'POST')
    return problem(res, 405, 'Method not allowed', 'What is decided of a tool is sent with POST.', ['Allow', 'POST'])
  const asked = askedIn(await objectIn(req, mostBytes), what)
  if (typeof asked === 'string') return problem(res, 400, 'Bad request', asked)
  const done = await tools.decide(server, tool, { action: what, ...asked, by: operatorOf(req) })
  const { translation } = asked
  const also = translation === undefined ? '' : `, translated${translation.override ? ', over what is not proved' : ''}`
  const result = done.ok ? `${done.entry.state}${also} (${asked.expect.join(' ')})${said(asked.reason)}` : done.detail
  const action = translation === undefined ? what : 'approve translation'
  operations.note(req, { action, upstream: server, item: tool, allowed: done.ok, result })
  if (!done.ok) return problem(res, statuses[done.why], titles[done.why], done.detail)
  answer(res, 200, 'application/json', JSON.stringify(done.entry))
}

const statuses = { unknown: 404, unread: 409, expect: 409, incomplete: 409, untranslated: 422 } as const
const titles = {
  unknown: 'Not found',
  unread: 'Not known yet',
  expect: 'Something else by now',
  incomplete: 'Not all of it',
  untranslated: 'Not translated',
} as const

async function showContracts(req: IncomingMessage, res: ServerResponse, server: string, tool: string, tools: Tools): Promise<void> {
  if (req.method !== 'GET' && req.method !== 'HEAD')
    return problem(res, 405, 'Method not allowed', 'Contracts are read with GET.', ['Allow', 'GET, HEAD'])
  const entry = tools.find(server, tool)
  const contracts = await tools.contracts(server, tool)
  if (entry === undefined || contracts === undefined) return problem(res, 404, 'Not found', 'Nothing is known of such a tool.')
  answer(res, 200, 'application/json', JSON.stringify({ ...entry, contracts }))
}

function said(reason: string | undefined): string {
  return reason === undefined ? '' : `: ${reason}`
}

interface Asked {
  readonly expect: readonly string[]
  readonly reason: string | undefined
  readonly translation: Translated | undefined
}

const form = `Send {"expect": ["c1:…", …], "reason": "…"}: digests of what you have seen, as \`live\` in ${toolsAddress} has them; a reason if you like.`
const translationForm = `With \`adapter\` it is approved that calls are translated: ${translationForms}. \`override\` puts into force what is not proved, and needs a \`reason\`.`

/** What is asked for, or what is wrong with it. */
function askedIn(body: Readonly<Record<string, unknown>> | undefined, what: 'approve' | 'reject'): Asked | string {
  const { expect, reason, adapter, override = false } = body ?? {}
  const digests = typeof expect === 'string' ? [expect] : expect
  const areDigests =
    Array.isArray(digests) &&
    digests.length > 0 &&
    digests.length <= mostExpected &&
    digests.every((one) => typeof one === 'string' && /^[chpx]\d:[0-9a-f]{64}$/.test(one))
  const isReason = reason === undefined || (typeof reason === 'string' && reason !== '' && reason.length <= longestReason)
  if (!areDigests || !isReason) return form
  const translation = adapter === undefined ? undefined : translated(adapter, override)
  const isOdd = adapter === undefined ? override !== false : what === 'reject' || translation === undefined
  if (isOdd || (override === true && reason === undefined)) return translationForm
  return { expect: digests as string[], reason: reason as string | undefined, translation }
}

function translated(adapter: unknown, override: unknown): Translated | undefined {
  const asked = readTranslationAsked(adapter)
  return asked === undefined || typeof override !== 'boolean' ? undefined : { asked, override }
}
