// The admin API: one fastify instance of which each resource adds its addresses. An address says what it needs and what it answers by schemas, from
// which requests are checked, answers are written and the OpenAPI document is made.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import swagger from '@fastify/swagger'
import fastify, { type FastifyRequest } from 'fastify'
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import type { Sealer } from '../../core/call/seal.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Decisions } from '../../core/ports/decisions.ts'
import type { Report } from '../../core/ports/report.ts'
import { mediaFault, parseBody, readBody } from '../http/body.ts'
import { answerBroken } from '../http/broken.ts'
import { documentOptions } from './openapi.ts'
import { Operations } from './operations.ts'
import { type AdminAccess, mustHave, whoAsks } from './operator.ts'
import { Cursors } from './paging.ts'
import { answerProblem, Problem } from './problem.ts'
import { answerErrors, problemOfFault, servedHere } from './problems.ts'
import { operationOf, RefusedRequests } from './refused.ts'
import type { AdminApp, ResourceTools } from './resource.ts'
import { type ResourceParts, resources } from './resources/index.ts'

export type AdminParts = ResourceParts & {
  readonly access: AdminAccess
  readonly sealer: Sealer
  readonly clock: Clock
  readonly report: Report
  /** Hear what operators did. */
  readonly decisions: Decisions
}

/** Largest body of a request in bytes. */
const mostBytes = 65_536

/** Names in addresses are names of servers and tools, percent-encoded. */
const longestName = 1_200

export type RequestListener = (req: IncomingMessage, res: ServerResponse) => void

/** `serverOf`: makes the server that calls the listener. */
export async function createAdminApp(parts: AdminParts, serverOf: (listener: RequestListener) => Server): Promise<AdminApp> {
  const { access, sealer, clock, report, decisions } = parts
  const app = fastify({
    serverFactory: (listener) => serverOf(listener as RequestListener),
    routerOptions: { maxParamLength: longestName },
    logger: false,
    return503OnClosing: false,
    // What is no HTTP, and addresses that cannot be decoded, come to no handler.
    clientErrorHandler: (error: NodeJS.ErrnoException, socket: Socket) => void answerBroken(error, socket, false, brokenProblem),
    frameworkErrors: (_error, _request, reply) => {
      reply.hijack()
      answerProblem(reply.raw, new Problem(400, 'Bad request', 'The address cannot be read.'))
    },
  }).withTypeProvider<ZodTypeProvider>() as unknown as AdminApp
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  readJson(app)
  const operations = new Operations(decisions, clock)
  answerErrors(app, report.log, (request, detail) => noteFailed(operations, request, detail))
  app.decorateRequest('operator')
  app.decorateRequest('noted', false)
  const refusals = new RefusedRequests(decisions, clock)
  const who = whoAsks(access, report, refusals)
  app.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store')
    request.operator = await who(request)
    mustHave(request, report, refusals)
  })
  // JSON has one encoding, and its media type no parameter for it (RFC 8259 §11).
  app.addHook('onSend', async (_request, reply) => {
    const type = String(reply.getHeader('content-type'))
    if (/^application\/([a-z]+\+)?json; charset=utf-8$/.test(type)) reply.header('content-type', type.slice(0, type.indexOf(';')))
  })
  await app.register(swagger, documentOptions())
  const given: AdminParts & ResourceTools = { ...parts, cursors: new Cursors(sealer), operations }
  servedHere(app)
  await app.register(async (inner) => {
    for (const add of resources) add(inner as unknown as AdminApp, given)
  })
  await app.ready()
  return app
}

/** An operator wanted something done that was refused for what it is, or failed: the audit has what was not done as well. */
function noteFailed(operations: Operations, request: FastifyRequest, detail: string): void {
  const { operator, noted, raw, is404 } = request
  if (operator === undefined || noted || is404 || raw.method === 'GET' || raw.method === 'HEAD') return
  const { server, upstream = server, tool } = request.params as Readonly<Record<string, string | undefined>>
  operations.note(request, { action: operationOf(raw, request), upstream, item: tool, allowed: false, result: detail })
}

/** Bodies are JSON in UTF-8 without duplicate names: what two readers could take for different things is refused. */
function readJson(app: AdminApp): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', (request, _payload, done) => {
    if (request.is404) {
      request.raw.resume()
      return done(null)
    }
    const unread = mediaFault(request.raw)
    if (unread !== undefined) return done(problemOfFault(unread))
    readBody(request.raw, mostBytes, (read) => {
      const { message, fault } = 'fault' in read ? { message: undefined, fault: read.fault } : parseBody(read.body)
      if (fault === undefined) done(null, message)
      else done(problemOfFault(fault))
    })
  })
}

function brokenProblem(status: number, reason: string): { readonly type: string; readonly body: object } {
  return { type: 'application/problem+json', body: { title: 'Bad request', status, detail: `The request is not valid: ${reason}.` } }
}

/** The OpenAPI document of all addresses. */
export async function adminDocument(): Promise<object> {
  const nothing = { access: { token: undefined, roles: [], identify: undefined }, report: {} } as unknown as AdminParts
  const app = await createAdminApp(nothing, (listener) => createServer(listener))
  try {
    return app.swagger()
  } finally {
    await app.close()
  }
}
