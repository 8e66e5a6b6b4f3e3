import { expect, it } from 'vitest'
import { settingsSchema } from '../../assembly/settings.ts'
import { embeddedFindings } from './embedded-checks.ts'

const found = (settings: Record<string, unknown>): string[] =>
  embeddedFindings(settingsSchema.parse(settings)).map(({ path, what }) => `${path.join('.')} ${what}`)

const served = { callers: ['oauth'] }
const production = { profile: 'production', publicUrl: 'https://mcp.example.com' }

it('finds nothing in what can be served', () => {
  expect(found({})).toEqual([])
  expect(found({ auth: served })).toEqual([])
  expect(found({ ...production, auth: served })).toEqual([])
})

it('finds a server whose tokens nobody takes', () => {
  expect(found({ auth: { callers: ['anonymous'], embedded: { enabled: true } } })).toEqual([
    expect.stringMatching(/^auth\.embedded\.enabled .*never be taken/),
  ])
})

it('needs a public address with encryption in production, and in production alone', () => {
  expect(found({ profile: 'production', auth: served })).toEqual([expect.stringMatching(/^publicUrl is missing/)])
  expect(found({ ...production, publicUrl: 'http://mcp.example.com', auth: served })).toEqual([expect.stringMatching(/clear text/)])
  expect(found({ ...production, publicUrl: 'http://127.0.0.1:4280', auth: served })).toEqual([])
  expect(found({ profile: 'production', auth: { issuers: [{ issuer: 'https://idp.example' }] } })).toEqual([])
})

it('finds an identity provider that vouches for nobody, or whose keys anybody can change', () => {
  const oidc = { issuer: 'https://idp.example', clientId: 'x', scopes: ['profile'] }
  expect(found({ auth: { ...served, embedded: { login: { oidc } } } })).toEqual([
    expect.stringMatching(/^auth\.embedded\.login\.oidc\.scopes .*openid/),
  ])
  const plain = {
    login: { oidc: { issuer: 'http://idp.example', clientId: 'x' } },
    idJag: [{ issuer: 'https://idp.example', jwksUri: 'http://idp.example/jwks' }],
  }
  expect(found({ ...production, auth: { ...served, embedded: plain } })).toEqual([
    expect.stringMatching(/^auth\.embedded\.login\.oidc\.issuer .*unprotected/),
    expect.stringMatching(/^auth\.embedded\.idJag\.0\.jwksUri .*unprotected/),
  ])
  expect(found({ auth: { ...served, embedded: plain } })).toEqual([])
})
