// Every refusal of the admin door, those of the library too, as a problem (RFC 9457); what is no refusal is a bug of ours, which the log has.
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { hasZodFastifySchemaValidationErrors, type ZodFastifySchemaValidationError } from 'fastify-type-provider-zod'
import type { Fault } from '../../core/faults/fault.ts'
import { stackOf } from '../../core/ports/boundary.ts'
import type { Log } from '../../core/ports/report.ts'
import { Problem, problemType } from './problem.ts'
import type { AdminApp } from './resource.ts'

/** `told`: hears of each problem, before it is answered. */
export function answerErrors(app: AdminApp, log: Log, told: (request: FastifyRequest, detail: string) => void): void {
  app.setErrorHandler((error: FastifyError | Problem, request, reply) => {
    const problem = error instanceof Problem ? error : problemOf(error)
    if (problem.details.status >= 500 && !(error instanceof Problem)) {
      log('error', 'A bug in the admin door', { address: request.routeOptions.url, stack: stackOf(error.cause ?? error) })
    }
    told(request, problem.message)
    return send(reply, problem)
  })
}

function send(reply: FastifyReply, { details, headers }: Problem): FastifyReply {
  // Of the answer that was begun.
  reply.removeHeader('content-length')
  return reply.code(details.status).headers(headers).type(problemType).send(JSON.stringify(details))
}

/** Addresses are kept as they are added, so that a wrong one is told what there is, and a wrong method which are right. */
export function servedHere(app: AdminApp): void {
  const methods = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method, config }) => {
    if (config?.role === undefined) throw new Error(`${url} needs no role: every address of the admin door does`)
    for (const one of [method].flat()) methods.set(url, (methods.get(url) ?? new Set()).add(one))
  })
  app.setNotFoundHandler((request) => {
    const [path = '/'] = request.url.split('?', 1)
    const known = [...methods].find(([url]) => matches(url, path))
    if (known === undefined) throw new Problem(404, 'Not found', `Served here: ${[...methods.keys()].map(written).join(', ')}.`)
    const allow = [...known[1]].sort().join(', ')
    throw new Problem(405, 'Method not allowed', `${written(known[0])} takes ${allow}.`, { headers: { allow } })
  })
}

function matches(url: string, path: string): boolean {
  const [wanted, given] = [url.split('/'), path.split('/')]
  return wanted.length === given.length && wanted.every((part, at) => (part.startsWith(':') ? given[at] !== '' : part === given[at]))
}

/** As OpenAPI writes it. */
function written(url: string): string {
  return url.replace(/:(\w+)/g, '{$1}')
}

/** Of a request that is refused for what it is: `Content-Type`, size, JSON. */
export function problemOfFault({ entry, kind, message }: Fault): Problem {
  // Faults of MCP have the status of a JSON-RPC error.
  const status = kind === 'parse_error' || kind === 'invalid_request' ? 400 : entry.status
  return new Problem(status, titles[status] ?? 'Bad request', message)
}

function problemOf(error: FastifyError): Problem {
  if (hasZodFastifySchemaValidationErrors(error)) return invalid(error.validation, error.validationContext ?? 'body')
  const { statusCode: status = 500 } = error
  if (status >= 500) return new Problem(500, 'Internal error', 'The gateway failed to answer; its log says why.')
  if (status === 415) return new Problem(415, titles[415] ?? '', 'A body is sent as application/json.')
  return new Problem(status, titles[status] ?? 'Bad request', `${error.message}.`)
}

const titles: Readonly<Record<number, string>> = {
  400: 'Bad request',
  403: 'Refused',
  408: 'Request timeout',
  413: 'Content too large',
  415: 'Unsupported media type',
}

/** Where it is wrong: by a JSON Pointer into the body, or by the name of the parameter. */
function invalid(found: readonly ZodFastifySchemaValidationError[], context: string): Problem {
  const errors = found.flatMap(({ instancePath, message = 'is not valid', params }) => {
    const unknown = Array.isArray(params.keys) ? params.keys.map(String) : undefined
    const paths = unknown?.map((key) => `${instancePath === '/' ? '' : instancePath}/${key}`) ?? [instancePath === '/' ? '' : instancePath]
    const detail = unknown === undefined ? message : 'is not known here'
    return paths.map((path) => (context === 'body' ? { pointer: `#${path}`, detail } : { parameter: path.slice(1), detail }))
  })
  const told = errors.map((one) => `${'pointer' in one ? one.pointer : one.parameter}: ${one.detail}`).join('; ')
  return new Problem(400, titles[400] ?? '', `${context === 'body' ? 'The body' : 'The address'} is not as it has to be: ${told}.`, {
    members: { errors },
  })
}
