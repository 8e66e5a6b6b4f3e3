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

const flavours = { auth }
export const flavourNames = Object.keys(flavours)

/** `name`: '' for the plain one. */
export async function flavourOf(name) {
  if (name === '') return { config: {}, authorization: undefined }
  const make = flavours[name]
  if (make === undefined) throw new Error(`There is no flavour ${name}: ${flavourNames.join(', ')}`)
  return make()
}

/** A token of another subject for each name. */
export const newToken = (subject) => issuer.token(`${publicUrl}/mcp`, subject)
