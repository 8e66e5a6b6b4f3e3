import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { silentReport } from '../../../test/doubles/report.ts'
import { FetchRefused } from '../../core/ports/guarded-fetch.ts'
import { MetadataFailure } from '../../core/ports/issuers.ts'
import { createIssuers } from './issuers.ts'

const issuer = 'https://idp.example'

/** `documents`: by address; a number is a status, an error what the fetch rejects with. */
function setting(documents: Record<string, unknown>) {
  const clock = new ManualClock()
  const asked: string[] = []
  const at = { documents }
  const issuers = createIssuers({
    fetch: async (url) => {
      asked.push(String(url))
      const found = at.documents[String(url)] ?? 404
      if (found instanceof Error) throw found
      return typeof found === 'number' ? new Response('', { status: found }) : new Response(JSON.stringify(found))
    },
    clock,
    report: silentReport,
  })
  const read = (of = issuer): Promise<unknown> =>
    issuers.metadata(of).catch((error: unknown) => (error instanceof MetadataFailure ? `${error.kind}: ${error.message}` : error))
  return { clock, asked, at, issuers, read }
}

const inserted = `${issuer}/.well-known/oauth-authorization-server`
const openid = `${issuer}/.well-known/openid-configuration`

describe('the metadata of an issuer', () => {
  it.each([
    ['between host and path', `${inserted}/team`],
    ['between host and path, as OpenID has it', `${openid}/team`],
    ['behind the path', `${issuer}/team/.well-known/openid-configuration`],
  ])('are found %s', async (_where, place) => {
    const document = { issuer: `${issuer}/team`, token_endpoint: 'x' }
    const { read } = setting({ [place]: document })
    expect(await read(`${issuer}/team`)).toEqual(document)
  })

  it('of another issuer are passed over, and never taken (U4A)', async () => {
    const own = { issuer, own: true }
    expect(await setting({ [inserted]: { issuer: 'https://evil.example' }, [openid]: own }).read()).toEqual(own)
    for (const other of [`${issuer}/`, 'https://evil.example', 17, undefined]) {
      expect(await setting({ [inserted]: { issuer: other } }).read()).toMatch(/^refused: .*of another issuer/)
    }
  })

  it.each([
    ['an error', { [inserted]: 500 }, /^unavailable: .*HTTP 500/],
    ['too many requests', { [inserted]: 429, [openid]: { issuer: 'https://evil.example' } }, /^unavailable: .*HTTP 429/],
    [
      'no connection',
      { [inserted]: new TypeError('fetch failed: secret') },
      /^unavailable: The metadata of the issuer cannot be fetched from https:\/\/idp.example$/,
    ],
    [
      'an address that may not be asked',
      { [inserted]: new FetchRefused('10.0.0.1 is a private address') },
      /^refused: .*may not be fetched/,
    ],
    ['nothing', {}, /^refused: .*publishes no metadata/],
    ['a redirect', { [inserted]: 302, [openid]: 302 }, /^refused: .*publishes no metadata/],
    ['a list', { [inserted]: [] }, /^refused: .*publishes no metadata/],
  ])('that are %s are none', async (_what, documents, reason) => {
    expect(await setting(documents).read()).toMatch(reason)
  })

  it.each(['spiffe://example.org', 'file:///etc/passwd', 'javascript:alert(1)', 'https://user:pw@idp.example', 'x'])(
    'are not looked for at %s',
    async (name) => {
      const { asked, read } = setting({})
      expect([await read(name), asked]).toEqual(['refused: The issuer is no address of the web', []])
    },
  )

  it('are read once for all who ask, and again after ten minutes', async () => {
    const { clock, asked, read } = setting({ [inserted]: { issuer } })
    await Promise.all([read(), read(), read()])
    await clock.advance(599_999)
    await read()
    expect(asked).toEqual([inserted])
    await clock.advance(1)
    await Promise.all([read(), read()])
    expect(asked.length).toBe(2)
  })

  it('are used for an hour where they cannot be read, asked for every five seconds then, and no longer', async () => {
    const { clock, asked, at, read } = setting({ [inserted]: { issuer } })
    await read()
    at.documents = { [inserted]: new TypeError('fetch failed') }
    await clock.advance(600_000)
    for (let i = 0; i < 3; i += 1) expect(await read()).toEqual({ issuer })
    expect(asked.length).toBe(2)
    await clock.advance(5_000)
    expect(await read()).toEqual({ issuer })
    expect(asked.length).toBe(3)
    await clock.advance(2_995_000)
    expect(await read()).toMatch(/^unavailable/)
    at.documents = { [inserted]: { issuer, back: true } }
    expect(await read()).toEqual({ issuer, back: true })
  })

  it('that became those of another issuer are worth nothing at once, whatever was there before', async () => {
    const { clock, at, read } = setting({ [inserted]: { issuer } })
    await read()
    at.documents = { [inserted]: { issuer: 'https://evil.example' } }
    await clock.advance(600_000)
    expect(await read()).toMatch(/^refused/)
  })

  it('are kept of a thousand issuers, whatever many a server names', async () => {
    const many = Array.from({ length: 1_001 }, (_, i) => `https://idp-${i}.example`)
    const { asked, read } = setting(
      Object.fromEntries(many.map((one) => [`${one}/.well-known/oauth-authorization-server`, { issuer: one }])),
    )
    for (const one of many) await read(one)
    await read(many.at(-1))
    expect(asked.length).toBe(1_001)
    await read(many[0])
    expect(asked.length).toBe(1_002)
  })
})

describe('the keys of an issuer', () => {
  const keys = `${issuer}/keys`
  const token = 'eyJhbGciOiJFUzI1NiIsImtpZCI6IngifQ.e30.AAAA'
  const ask = ({ issuers }: ReturnType<typeof setting>, jwksUri?: string) =>
    issuers
      .keys(issuer, jwksUri)
      .verify(token, { algorithms: ['ES256'] })
      .catch((error: Error) => error.name)

  it('are one set for everybody, at the address of the configuration or that of the metadata', async () => {
    const { issuers } = setting({})
    expect(issuers.keys(issuer, undefined)).toBe(issuers.keys(issuer, undefined))
    expect(issuers.keys(issuer, keys)).not.toBe(issuers.keys(issuer, undefined))
    const byMetadata = setting({ [inserted]: { issuer, jwks_uri: keys }, [keys]: { keys: [] } })
    expect([await ask(byMetadata), byMetadata.asked]).toEqual(['JWKSNoMatchingKey', [inserted, keys]])
    const configured = setting({ [keys]: { keys: [] } })
    expect([await ask(configured, keys), configured.asked]).toEqual(['JWKSNoMatchingKey', [keys]])
  })

  it.each([
    ['a list of two hundred and one', { keys: Array(201).fill({ kty: 'EC' }) }],
    ['no list', { keys: 'x' }],
    ['an error', 500],
  ])('that are %s are none', async (_what, document) => {
    expect(await ask(setting({ [keys]: document }), keys)).toBe('KeysAway')
  })

  it('are looked for where the metadata said before, where those cannot be read now', async () => {
    const used = setting({ [inserted]: { issuer, jwks_uri: keys }, [keys]: { keys: [] } })
    expect(await ask(used)).toBe('JWKSNoMatchingKey')
    used.at.documents = { [inserted]: 503, [keys]: { keys: [] } }
    await used.clock.advance(600_000)
    expect(await ask(used)).toBe('JWKSNoMatchingKey')
    await used.clock.advance(3_600_000)
    expect(await ask(used)).toBe('KeysAway')
  })
})
