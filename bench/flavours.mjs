// What a gateway does beside passing calls on, as configurations that are laid over the plain one, and what it costs (bench/costs.mjs).
import { fiftyRules, startIssuer } from './issuer.mjs'

const publicUrl = 'http://127.0.0.1:1'
let issuer

/** Access tokens, fifty rules and the audit: what a gateway for real users does beside. `authorization`: what calls show. */
async function auth() {
  issuer ??= await startIssuer()
  const { issuer: id, jwksUri } = issuer
  const config = { publicUrl, auth: { issuers: [{ issuer: id, jwksUri }] }, access: fiftyRules }
  return { config, authorization: `Bearer ${await newToken()}` }
}

/** Every kind of limit that counts calls, far above what the load reaches: rates of server, tool, principal and run, budgets, repetitions. */
async function limits() {
  const rate = '100000000/1m'
  const tools = { '*': { rate, ratePerPrincipal: rate, ratePerRun: rate } }
  const budgets = { run: { calls: 1_000_000_000 }, principal: { calls: '1000000000/1d' } }
  return { config: { tools, budgets, loops: { identical: rate } }, authorization: undefined }
}

/** Without what is on where nothing is said: what `limits` is held against. */
const unlimited = () => ({ config: { loops: { identical: 'off' } }, authorization: undefined })

const flavours = { auth, limits, unlimited }
export const flavourNames = ['auth', 'limits']
/** What the cost of a flavour is told above. */
export const plainOf = (flavour) => (flavour === 'limits' ? 'unlimited' : '')

/** `name`: '' for the plain one. */
export async function flavourOf(name) {
  if (name === '') return { config: {}, authorization: undefined }
  const make = flavours[name]
  if (make === undefined) throw new Error(`There is no flavour ${name}: ${flavourNames.join(', ')}`)
  return make()
}

/** A token of another subject for each name. */
export const newToken = (subject) => issuer.token(`${publicUrl}/mcp`, subject)
