// What the admin door answers in place of what was asked for: problem details (RFC 9457).
import type { ServerResponse } from 'node:http'
import { answer } from './answer.ts'

export interface ProblemDetails {
  readonly title: string
  readonly status: number
  /** For people: what is wrong, and what to do. */
  readonly detail: string
  readonly [member: string]: unknown
}

/** Thrown by a handler of the admin door, which answers with it. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly details: ProblemDetails
  /** Beside those of the body. */
  readonly headers: Readonly<Record<string, string>>

  /** `members`: further ones of the body, beside title, status and detail. */
  constructor(
    status: number,
    title: string,
    detail: string,
    { members = {}, headers = {} }: { readonly members?: object; readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(detail)
    this.details = { title, status, detail, ...members }
    this.headers = headers
  }
}

export const problemType = 'application/problem+json'

/** Of a request that is turned away before anything is looked up for it. */
export function answerProblem(res: ServerResponse, { details, headers }: Problem): void {
  answer(res, details.status, problemType, JSON.stringify(details), Object.entries(headers).flat())
}

export function notFound(detail: string): Problem {
  return new Problem(404, 'Not found', detail)
}

export function storeUnavailable(detail: string): Problem {
  return new Problem(503, 'Store unavailable', detail)
}
