// `GET /admin/v1/config`: what is in force, defaults and all, without secrets; `POST /admin/v1/config/reload`: what the file says now; and
// `/admin/v1/config/revisions`: what was in force before, and back to it.
import { z } from 'zod'
import type { Principal } from '../../../core/call/principal.ts'
import { iso, operatorOf } from '../operations.ts'
import { pageQuery, pageShape } from '../paging.ts'
import { notFound, Problem, storeUnavailable } from '../problem.ts'
import type { Resource } from '../resource.ts'

export interface ConfigInForce {
  readonly source: string
  /** Undefined where the store could not keep it. */
  readonly revision: number | undefined
  readonly digest: string
  /** Without secrets. */
  readonly config: Readonly<Record<string, unknown>>
}

export interface ConfigRevision {
  readonly number: number
  readonly atMs: number
  readonly author: string
  readonly digest: string
}

/** How a reload ended, as `Reloading` says it. */
export interface ConfigReloaded {
  readonly outcome: 'applied' | 'unchanged' | 'refused' | 'checked'
  readonly revision: number | undefined
  readonly digest: string
  readonly problems: readonly string[]
  readonly changes: readonly { readonly key: string; readonly before?: unknown; readonly after?: unknown; readonly secret?: true }[]
  readonly servers: Readonly<Record<'added' | 'removed' | 'replaced' | 'adjusted', readonly string[]>>
  readonly isStale?: true
}

export interface ConfigWish {
  /** Of a revision, in place of what stands in the file. */
  readonly text?: string
  readonly ifDigest?: readonly string[]
  readonly onlyCheck?: boolean
  readonly author: string
  readonly principal?: Principal | undefined
}

/** Undefined of the store: it is away. */
export interface ConfigParts {
  readonly config: {
    inForce(): ConfigInForce
    reload(wish: ConfigWish): Promise<ConfigReloaded>
    /** The latest first. */
    revisions(most: number, before: number | undefined): Promise<readonly ConfigRevision[] | undefined>
    /** With what it said, without secrets; 'unknown' where there is no such. */
    revision(number: number): Promise<(ConfigRevision & { readonly config: Readonly<Record<string, unknown>> }) | 'unknown' | undefined>
    /** As it was written; 'unknown' where there is no such, or its key is not here. */
    text(number: number): Promise<{ readonly text: string } | 'unknown' | undefined>
  }
}

const servers = z.object({
  added: z.array(z.string()).readonly(),
  removed: z.array(z.string()).readonly().describe('Their calls end, and no further one is let in.'),
  replaced: z.array(z.string()).readonly().describe('Connected or started anew, by other settings.'),
  adjusted: z.array(z.string()).readonly().describe('Settings that do not concern their connection are others.'),
})
const changes = z
  .array(
    z.object({
      key: z.string(),
      before: z.unknown().optional(),
      after: z.unknown().optional(),
      secret: z.literal(true).optional().describe('A secret is another, which nobody is shown.'),
    }),
  )
  .readonly()
const ended = z.object({
  outcome: z.enum(['applied', 'unchanged', 'checked']).describe('`checked`: it could be put into force, and was not, as it was asked.'),
  revision: z.number().int().optional().describe('In force now; absent where the store could not keep it.'),
  changes,
  servers,
})
const revision = z.object({
  revision: z.number().int(),
  at: z.string(),
  author: z.string().describe('`start`, `file`, `SIGHUP`, or the name of an operator.'),
  digest: z.string().describe('Equal of equal configurations.'),
})
const onlyCheck = z.boolean().default(false).describe('Say what would come of it, and change nothing.')
const storeAway = 'The revisions cannot be read: the durable store is away.'

export const config: Resource<ConfigParts> = (app, parts) => {
  app.get(
    '/admin/v1/config',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'The configuration that is in force, with defaults and without secrets',
        description: 'Its `ETag` is for `If-Match` of a reload.',
        response: {
          200: z.object({
            source: z.string().describe('Where it came from.'),
            revision: z.number().int().optional().describe('Absent where the store could not keep it.'),
            config: z.looseObject({}).describe('As docs/configuration.md has it.'),
          }),
        },
      },
    },
    async (_request, reply) => {
      const { source, revision: number, digest, config: inForce } = parts.config.inForce()
      reply.header('etag', `"${digest}"`)
      return { source, ...(number === undefined ? {} : { revision: number }), config: { ...inForce } }
    },
  )
  app.post(
    '/admin/v1/config/reload',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'Put into force what the file of the configuration says now, or refuse it as a whole and say why',
        description:
          'With `If-Match` only where the configuration of that `ETag` is in force, else 412. What is refused is answered with 422.',
        headers: z.looseObject({ 'if-match': z.string().max(1_000).optional() }),
        body: z.strictObject({ onlyCheck }).nullish(),
        response: { 200: ended },
      },
    },
    async (request, reply) => {
      const done = await parts.config.reload({
        author: operatorOf(request),
        principal: request.operator.principal,
        onlyCheck: request.body?.onlyCheck === true,
        ...ifMatch(request.headers['if-match']),
      })
      reply.header('etag', `"${done.digest}"`)
      parts.operations.note(request, { action: 'reload', allowed: done.outcome !== 'refused', result: resultOf(done) })
      return answered(done)
    },
  )
  app.get(
    '/admin/v1/config/revisions',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'Configurations that were in force, the latest first',
        querystring: pageQuery,
        response: { 200: pageShape('revisions', revision) },
      },
    },
    async ({ query }) => {
      const after = parts.cursors.open(query, 'config revisions')
      const found = await parts.config.revisions(query.limit + 1, after === undefined ? undefined : Number(after[0]))
      if (found === undefined) throw storeUnavailable(storeAway)
      const { page, ...next } = parts.cursors.of(query, 'config revisions', found, ({ number }) => [number])
      return { revisions: page.map(shown), ...next }
    },
  )
  app.get(
    '/admin/v1/config/revisions/:revision',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'A configuration that was in force, with defaults and without secrets',
        params: z.object({ revision: z.coerce.number().int().min(1).describe('Its number.') }),
        response: { 200: revision.extend({ config: z.looseObject({}) }) },
      },
    },
    async ({ params }) => {
      const found = await parts.config.revision(params.revision)
      if (found === undefined) throw storeUnavailable(storeAway)
      if (found === 'unknown') throw noSuch(params.revision)
      return { ...shown(found), config: { ...found.config } }
    },
  )
  app.post(
    '/admin/v1/config/revisions/:revision/actions',
    {
      config: { role: 'admin' },
      schema: {
        summary: 'Put a configuration of before into force again, as a new revision; the file stays as it is',
        description:
          'References (`${env:…}`, `${file:…}`) are what they are now. As for a reload: `If-Match`, and 422 where it is refused.',
        params: z.object({ revision: z.coerce.number().int().min(1).describe('Its number.') }),
        headers: z.looseObject({ 'if-match': z.string().max(1_000).optional() }),
        body: z.strictObject({ action: z.literal('rollback'), onlyCheck }),
        response: { 200: ended },
      },
    },
    async (request, reply) => {
      const { revision: number } = request.params
      const found = await parts.config.text(number)
      if (found === undefined) throw storeUnavailable(storeAway)
      if (found === 'unknown') throw noSuch(number)
      const done = await parts.config.reload({
        text: found.text,
        author: operatorOf(request),
        principal: request.operator.principal,
        onlyCheck: request.body.onlyCheck,
        ...ifMatch(request.headers['if-match']),
      })
      reply.header('etag', `"${done.digest}"`)
      const result = `of revision ${number}: ${resultOf(done)}`
      parts.operations.note(request, { action: 'rollback', allowed: done.outcome !== 'refused', result })
      return answered(done)
    },
  )
}

function shown({ number, atMs, author, digest }: ConfigRevision) {
  return { revision: number, at: iso(atMs), author, digest }
}

function noSuch(number: number): Problem {
  return notFound(`No revision ${number} is kept, or not so that it can be read here.`)
}

/** Entity tags of RFC 9110 §13.1.1; `*` is any. */
function ifMatch(header: unknown): { readonly ifDigest?: readonly string[] } {
  if (typeof header !== 'string' || header.trim() === '*') return {}
  return { ifDigest: [...header.matchAll(/(?<![/\w])"([^"]*)"/g)].map(([, tag = '']) => tag) }
}

function answered(done: ConfigReloaded) {
  const { outcome, revision: number, changes: found, servers: plan, problems, isStale } = done
  if (isStale === true) {
    throw new Problem(
      412,
      'Precondition failed',
      'Another configuration is in force than the one of `If-Match`: look at it, and ask again.',
    )
  }
  if (outcome === 'refused') {
    const detail = `The configuration was refused, and the one before stays in force: ${problems.join('; ')}.`
    throw new Problem(422, 'Configuration refused', detail.slice(0, longestDetail), { members: { problems, changes: found } })
  }
  return { outcome, ...(number === undefined ? {} : { revision: number }), changes: found, servers: plan }
}

function resultOf({ outcome, revision: number, problems }: ConfigReloaded): string {
  const why = problems.length === 0 ? '' : `: ${problems.join('; ')}`
  return `${outcome}${number === undefined ? '' : `, revision ${number} is in force`}${why}`.slice(0, longestDetail)
}

const longestDetail = 2_000
