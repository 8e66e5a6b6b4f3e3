// The registry of tools for operators: `GET /admin/v1/tools`, `GET /admin/v1/tools/{server}/{tool}/contracts`, and
// `POST /admin/v1/tools/{server}/{tool}/approve` or `/reject` with `{"expect": ["c1:…"], "reason": "…"}`: exactly what was seen, or nothing.
// `adapter` approves that calls are translated.
import { z } from 'zod'
import { readTranslationAsked, type TranslationAsked, translationForms } from '../../../core/call/translation-asked.ts'
import { operatorOf } from '../operations.ts'
import { pageQuery, pageShape } from '../paging.ts'
import { notFound, Problem } from '../problem.ts'
import type { Resource } from '../resource.ts'
import { toolParams } from './tool-params.ts'
import { deprecation, shownEnd, type ToolVersions } from './tool-versions.ts'

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

const digest = z.string().regex(/^[chpx]\d:[0-9a-f]{64}$/, { error: 'is no digest, as `live` in /admin/v1/tools has them' })
const digests = z.object({ contract: z.string(), hints: z.string(), prose: z.string(), exact: z.string() })

const approval = z.object({ as: z.string(), by: z.string(), reason: z.string().optional(), at: z.string() })

const tool = z.object({
  server: z.string(),
  tool: z.string(),
  environment: z.string().optional(),
  owner: z.string().optional(),
  state: z.string(),
  shown: z.boolean().optional().describe('Callers are shown it.'),
  listed: z.boolean().optional().describe('The last list of the server had it.'),
  approved: digests.optional().describe('Of what callers are shown.'),
  live: digests.optional().describe('Of what the server says.'),
  approval: approval.optional(),
  change: z.unknown().optional().describe('What the server says otherwise than what callers are shown.'),
  held: z.array(z.unknown()).readonly().optional().describe('What was found in the words of a tool that is not let in for them.'),
  notes: z.array(z.unknown()).readonly().optional(),
  firstSeen: z.string().optional(),
  lastSeen: z.string().optional(),
})

const contract = z.object({
  digests: digests.optional(),
  state: z.string(),
  verdict: z.string().optional(),
  human: z.string().optional(),
  changes: z.array(z.unknown()).readonly().optional(),
  approval: approval.optional(),
  firstSeen: z.string().optional(),
  lastSeen: z.string().optional(),
  definition: z.unknown().optional(),
})

const decision = z
  .strictObject({
    expect: z
      .union([digest.transform((one) => [one]), z.array(digest).min(1).max(8)])
      .describe('Digests of what you have seen, as `live` has them.'),
    reason: z.string().min(1).max(500).optional(),
    adapter: z.unknown().optional().describe(`To approve that calls are translated: ${translationForms}.`),
    override: z.boolean().default(false).describe('Puts a translation into force that is not proved; needs a `reason`.'),
  })
  .describe('Exactly what you have seen, or nothing is done.')

const decisions = {
  approve: 'Let a tool, or a change of it, in',
  reject: 'Keep a tool, or a change of it, out',
} as const

interface ToolParts {
  readonly tools: Tools
  readonly versions: Pick<ToolVersions, 'planned'>
}

export const tools: Resource<ToolParts> = (app, context) => {
  app.get(
    '/admin/v1/tools',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'The tools that servers list, and how their contracts stand',
        querystring: pageQuery,
        response: { 200: pageShape('tools', tool.extend({ deprecation: deprecation.optional() })) },
      },
    },
    async ({ query }) => {
      const [server, name] = context.cursors.open(query, 'tools') ?? []
      const after = server === undefined ? undefined : { server: String(server), tool: String(name) }
      const found = context.tools.list(after, query.limit + 1)
      const { page, ...next } = context.cursors.of(query, 'tools', found, (entry) => [entry.server, entry.tool])
      return { tools: page.map((entry) => withEnd(entry, context)), ...next }
    },
  )
  app.get(
    '/admin/v1/tools/:server/:tool/contracts',
    {
      config: { role: 'viewer' },
      schema: {
        summary: 'The contracts that were seen of a tool, the latest first',
        params: toolParams,
        response: { 200: tool.extend({ contracts: z.array(contract).readonly().describe('The latest, up to 32.') }) },
      },
    },
    async ({ params: { server, tool: name } }) => {
      const entry = context.tools.find(server, name)
      const contracts = await context.tools.contracts(server, name)
      if (entry === undefined || contracts === undefined) throw notFound('Nothing is known of such a tool.')
      return { ...entry, contracts: contracts as readonly z.infer<typeof contract>[] }
    },
  )
  for (const action of ['approve', 'reject'] as const) {
    app.post(
      `/admin/v1/tools/:server/:tool/${action}`,
      {
        config: { role: 'operator' },
        schema: { summary: decisions[action], params: toolParams, body: decision, response: { 200: tool } },
      },
      async (request) => {
        const { server, tool: name } = request.params
        const { expect, reason } = request.body
        const translation = translationIn(request.body, action)
        const done = await context.tools.decide(server, name, { action, expect, reason, translation, by: operatorOf(request) })
        const also = translation === undefined ? '' : `, translated${translation.override ? ', over what is not proved' : ''}`
        const because = reason === undefined ? '' : `: ${reason}`
        context.operations.note(request, {
          action: translation === undefined ? action : 'approve translation',
          upstream: server,
          item: name,
          allowed: done.ok,
          result: done.ok ? `${done.entry.state}${also} (${expect.join(' ')})${because}` : done.detail,
        })
        if (!done.ok) throw new Problem(statuses[done.why], titles[done.why], done.detail)
        return done.entry
      },
    )
  }
}

const statuses = { unknown: 404, unread: 409, expect: 409, incomplete: 409, untranslated: 422 } as const
const titles = {
  unknown: 'Not found',
  unread: 'Not known yet',
  expect: 'Something else by now',
  incomplete: 'Not all of it',
  untranslated: 'Not translated',
} as const

function withEnd(entry: ToolEntry, { versions }: ToolParts): ToolEntry & { readonly deprecation?: ReturnType<typeof shownEnd> } {
  const end = versions.planned(entry.server, entry.tool)
  return end === undefined ? entry : { ...entry, deprecation: shownEnd(end) }
}

const translationForm = `With \`adapter\` it is approved that calls are translated: ${translationForms}. \`override\` puts into force what is not proved, and needs a \`reason\`.`

/** Undefined where none is asked for. */
function translationIn({ adapter, override, reason }: z.infer<typeof decision>, action: 'approve' | 'reject'): Translated | undefined {
  const asked = adapter === undefined ? undefined : readTranslationAsked(adapter)
  const isOdd = adapter === undefined ? override : action === 'reject' || asked === undefined
  if (isOdd || (override && reason === undefined))
    throw new Problem(400, 'Bad request', translationForm, {
      members: { errors: [{ pointer: '#/adapter', detail: 'is none of these forms' }] },
    })
  return asked === undefined ? undefined : { asked, override }
}
