// What a gateway does beside passing calls on, as configurations that are laid over the plain one, and what it costs (bench/costs.mjs).
import { join } from 'node:path'
import { fiftyRules, startIssuer } from './issuer.mjs'
import { start } from './processes.mjs'
import { buildWithout } from './without.mjs'

const publicUrl = 'http://127.0.0.1:1'
let issuer
let withoutContracts
let withoutUsage

/** Access tokens, fifty rules and the audit: what a gateway for real users does beside. `authorization`: what calls show. */
async function auth() {
  issuer ??= await startIssuer()
  const { issuer: id, jwksUri } = issuer
  const config = { publicUrl, auth: { issuers: [{ issuer: id, jwksUri }] }, access: fiftyRules }
  return { config, authorization: `Bearer ${await newToken()}` }
}

/** Every kind of limit, far above what the load reaches: rates of tool, principal and run, budgets of calls, tokens and cost, repetitions. */
async function limits() {
  const rate = '100000000/1m'
  const tools = { '*': { rate, ratePerPrincipal: rate, ratePerRun: rate } }
  const most = 100_000_000_000
  const budgets = { run: { calls: most, tokens: most, cost: most, time: '30d' }, principal: { calls: `${most}/1d`, tokens: `${most}/1d` } }
  const prices = { perToken: 0.000_001 }
  return { config: { tools, budgets, prices, loops: { identical: rate } }, authorization: undefined }
}

/** Rates, budgets of calls and time, repetitions: what costs nothing to know of a call. */
async function calls() {
  const { config, authorization } = await limits()
  const { run, principal } = config.budgets
  const budgets = { run: { calls: run.calls, time: run.time }, principal: { calls: principal.calls } }
  return { config: { tools: config.tools, loops: config.loops, budgets }, authorization }
}

/** The checks of contracts, which every gateway makes: beside a build without them. */
async function contracts() {
  withoutContracts ??= buildWithout(['contract', 'adapt'])
  return { config: {}, authorization: undefined, plainBuild: withoutContracts }
}

/** Tokens and cost of every call, which every gateway measures: beside a build that does not. */
async function usage() {
  withoutUsage ??= buildWithout(['meter'], 'limits.js')
  return { config: {}, authorization: undefined, plainBuild: withoutUsage }
}

/** The same of results of about 200 bytes. */
async function usage200() {
  return { ...(await usage()), tool: 'get_customer' }
}

/** The same of results of 4 KiB. */
async function usage4k() {
  return { ...(await usage()), tool: 'query_customers' }
}

const judged = { config: { quality: { enabled: true } }, plain: { quality: { enabled: false } }, authorization: undefined }

/** The judging of results, beside none: of JSON of about 200 bytes. */
async function quality() {
  return { ...judged, tool: 'get_customer' }
}

/** The same of JSON of 4 KiB. */
async function quality4k() {
  return { ...judged, tool: 'query_customers' }
}

const masked = { config: { tools: { '*': { secrets: 'mask' } } }, authorization: undefined }

/** Secrets masked by their form, where there are none: in JSON of about 200 bytes. */
async function guards() {
  return { ...masked, tool: 'get_customer' }
}

/** The same in JSON of 4 KiB. */
async function guards4k() {
  return { ...masked, tool: 'query_customers' }
}

let sink

/** One trace of ten to a collector, by OTLP over HTTP in protobuf. */
async function traces() {
  sink ??= await start(0, [join(import.meta.dirname, 'otlp-sink.mjs')])
  return { config: { telemetry: { otlp: { endpoint: `http://127.0.0.1:${sink.port}` }, sample: 0.1 } }, authorization: undefined }
}

/** All of them. */
async function traces100() {
  const { config, authorization } = await traces()
  return { config: { telemetry: { ...config.telemetry, sample: 1 } }, authorization }
}

const unaudited = { plain: { stateDir: 'off' }, authorization: undefined }

/** Nothing that keeps rows: with BENCH_BUILD, what passing calls on costs more than in another build. */
async function bare() {
  return { ...unaudited, config: { stateDir: 'off' } }
}

/** Rows of the audit that are safe before their answer leaves, beside a gateway that keeps nothing. BENCH_CONNECTIONS says how many share a commit. */
async function audit() {
  return { ...unaudited, config: { audit: { mode: 'durable' } } }
}

/** The same where nobody waits. */
async function auditBuffered() {
  return { ...unaudited, config: { audit: { mode: 'buffered' } } }
}

/** The audit and one trace of ten, beside a gateway that has neither. */
async function telemetry() {
  const { config } = await traces()
  return { ...unaudited, config: { ...config, audit: { mode: 'durable' } } }
}

/** The same as `telemetry`, where the server takes 5 ms (exponential): calls of one commit do not come in step. */
async function telemetryWait() {
  return { ...(await telemetry()), tool: 'wait' }
}

/** All that a gateway for real users does: access, limits, results judged, the durable audit, one trace of ten. */
async function everything() {
  const [authenticated, limited, kept] = [await auth(), await limits(), await telemetry()]
  const config = { ...authenticated.config, ...limited.config, ...kept.config, quality: { enabled: true } }
  return { ...unaudited, config, authorization: authenticated.authorization }
}

/** The same as `audit`, without the arguments. */
async function auditBare() {
  return { ...unaudited, config: { audit: { mode: 'durable', arguments: 'none' } } }
}

/** Nothing beside: how far two gateways of one kind are apart, which no comparison can tell from a cost. */
async function nothing() {
  return { config: {}, authorization: undefined }
}

const flavours = {
  auth,
  limits,
  calls,
  contracts,
  usage,
  usage200,
  usage4k,
  quality,
  quality4k,
  guards,
  guards4k,
  traces,
  traces100,
  audit,
  auditBuffered,
  auditBare,
  telemetry,
  telemetryWait,
  everything,
  bare,
  nothing,
}
export const flavourNames = Object.keys(flavours)

/**
 * `name`: '' for the plain one. `plainBuild`: the `dist` of the plain gateway beside it, where that is not the build itself; `plain`: configuration that it has, `tool`: what
 * both are called for, where that is not `echo`. */
export async function flavourOf(name) {
  if (name === '') return { config: {}, authorization: undefined }
  const make = flavours[name]
  if (make === undefined) throw new Error(`There is no flavour ${name}: ${flavourNames.join(', ')}`)
  return make()
}

/** A token of another subject for each name. */
export const newToken = (subject) => issuer.token(`${publicUrl}/mcp`, subject)
