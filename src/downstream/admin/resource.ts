// How an address of the admin door is added: by a resource, a file of `resources/` that is named once in `resources/index.ts`.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type { Clock } from '../../core/ports/clock.ts'
import type { Report } from '../../core/ports/report.ts'
import type { Operations } from './operations.ts'
import type { Operator } from './operator.ts'
import type { Cursors } from './paging.ts'
import type { Role } from './role.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a caller must be. */
    role?: Role
  }
  interface FastifyRequest {
    operator: Operator
    /** The audit has heard of it. */
    noted: boolean
  }
}

export type AdminApp = FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, FastifyBaseLogger, ZodTypeProvider>

/** What every resource is given. */
export interface ResourceTools {
  /** Pages of lists. */
  readonly cursors: Cursors
  /** What operators did, for the audit. */
  readonly operations: Operations
  readonly clock: Clock
  readonly report: Report
}

/**
 * Adds addresses that answer from `Parts`, which it may use once it is asked and not before. Each address needs `config.role`, and in `schema`
 * `summary` and `response`; lists page by `pageQuery`, refusals are thrown as `Problem`.
 */
export type Resource<Parts = unknown> = (app: AdminApp, parts: Parts & ResourceTools) => void
