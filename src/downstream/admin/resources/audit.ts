// The audit, for auditors: `GET /admin/v1/audit` finds rows by what they say, `GET /admin/v1/audit/verify` says whether it is as it was written.
import { z } from 'zod'
import { type Narrowed, narrowed, narrowing } from '../narrowing.ts'
import { pageQuery, pageShape } from '../paging.ts'
import { notFound, storeUnavailable } from '../problem.ts'
import type { Resource } from '../resource.ts'

/** As `observe` reads it. A sentence says why there is no answer. */
export interface AuditReading {
  /** The newest first. `after`: `next` of the page before. */
  rows(
    filter: AuditAsked,
    most: number,
    after: string | undefined,
  ): Promise<{ readonly rows: readonly object[]; readonly next: string | undefined } | string>
  verify(): Promise<object | string>
}

export interface AuditAsked extends Narrowed {
  /** Correlation id. */
  readonly id: string | undefined
  readonly run: string | undefined
  readonly about: string | undefined
  readonly fault: string | undefined
  readonly denied: boolean | undefined
  readonly suspect: boolean | undefined
}

export interface AuditParts {
  /** Undefined where there is no audit. */
  readonly audit?: AuditReading | undefined
}

const off = 'There is no audit here: `stateDir` is off.'
const flag = z.enum(['true', 'false']).optional()

const ofRows = narrowing.extend({
  id: z.string().max(128).optional().describe('Correlation id.'),
  run: z.string().max(128).optional(),
  about: z.string().max(64).optional().describe('`call`, `authenticate`, `credential`, `operation`, …'),
  fault: z.string().max(64).optional().describe('Kind of a fault; `*`: any.'),
  denied: flag,
  suspect: flag,
})

export const audit: Resource<AuditParts> = (app, context) => {
  const reading = (): AuditReading => {
    if (context.audit === undefined) throw notFound(off)
    return context.audit
  }
  app.get(
    '/admin/v1/audit',
    {
      config: { role: 'auditor' },
      schema: {
        summary: 'Rows of the audit by what they say, the newest first',
        querystring: pageQuery.extend(ofRows.shape),
        response: { 200: pageShape('rows', z.looseObject({})) },
      },
    },
    async ({ query }) => {
      const { limit, cursor: _cursor, ...asked } = query
      const name = `audit ${JSON.stringify(asked)}`
      const { id, run, about, fault, denied, suspect } = query
      const filter = { ...narrowed(query, context.clock.now()), id, run, about, fault, denied: isTrue(denied), suspect: isTrue(suspect) }
      const after = context.cursors.open(query, name)?.[0]
      const found = await reading().rows(filter, limit, after === undefined ? undefined : String(after))
      if (typeof found === 'string') throw storeUnavailable(found)
      const rows = found.rows.map((row) => ({ ...row }))
      return found.next === undefined ? { rows } : { rows, next: context.cursors.seal(name, [found.next]) }
    },
  )
  app.get(
    '/admin/v1/audit/verify',
    {
      config: { role: 'auditor' },
      schema: {
        summary: 'Whether the audit is as it was written, as far as that can be seen without anchors',
        response: { 200: z.looseObject({ verdict: z.string() }) },
      },
    },
    async () => {
      const found = await reading().verify()
      if (typeof found === 'string') throw storeUnavailable(found)
      return found as { verdict: string }
    },
  )
}

function isTrue(text: 'true' | 'false' | undefined): boolean | undefined {
  return text === undefined ? undefined : text === 'true'
}
