import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { SdkLogin } from '../../../test/doubles/authorization/sdk-login.ts'
import { Browser } from '../../../test/peers/browser.ts'
import { freePort } from '../../../test/peers/free-port.ts'
import { startProcess } from '../../../test/peers/process.ts'

const root = new URL('../../..', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'signalbox-operators-'))
const file = join(folder, 'signalbox.yaml')
let config: Record<string, unknown>

function signalbox(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [join(root, 'dist', 'main.js'), ...args], { cwd: folder }, (error, out, err) =>
      resolve({ code: Number(error?.code ?? 0), out, err }),
    )
  })
}

beforeAll(async () => {
  config = {
    listen: `127.0.0.1:${await freePort()}`,
    admin: { listen: '127.0.0.1:0' },
    stateDir: join(folder, 'state'),
    auth: { callers: ['oauth'] },
    servers: {},
  }
  writeFileSync(file, JSON.stringify(config))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const printed = /http:\S+\/oauth\/setup\/\S+/

it('operators link: a forgotten password is no end, and what was issued before a restart goes on after it', async () => {
  expect((await signalbox('operators', 'link')).code).toBe(11)
  const first = await startProcess(config)
  const browser = new Browser({ within: first.base })
  const set = async (link: string, word: string) => browser.submit(await browser.open(link), { name: 'ada', password: word, again: word })
  await set(await first.logged(printed), 'forgotten forever')
  const { out, code } = await signalbox('operators', 'link', '--json')
  expect(code).toBe(0)
  const { link } = JSON.parse(out) as { link: string }
  expect(link).toContain(`${first.base}/oauth/setup/`)
  expect((await set(link, 'correct horse battery')).text).toContain('You can sign in now')
  expect((await browser.open(link)).status).toBe(404)

  const sdk = new SdkLogin(browser)
  const registered = await fetch(`${first.base}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(sdk.clientMetadata),
  })
  const { client_id: client } = (await registered.json()) as { client_id: string }
  // The challenge of RFC 7636, appendix B, and its verifier.
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: client,
    redirect_uri: sdk.redirectUrl,
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
  })
  await sdk.redirectToAuthorization(new URL(`${first.base}/oauth/authorize?${query}`))
  const token = (base: string, fields: Record<string, string>) =>
    fetch(`${base}/oauth/token`, { method: 'POST', body: new URLSearchParams({ client_id: client, ...fields }) })
  const issued = await token(first.base, {
    grant_type: 'authorization_code',
    code: sdk.code,
    code_verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
    redirect_uri: sdk.redirectUrl,
  })
  const { refresh_token } = (await issued.json()) as { refresh_token: string }
  await first.end('SIGTERM')

  const second = await startProcess(config)
  expect((await token(second.base, { grant_type: 'refresh_token', refresh_token })).status).toBe(200)
  expect(second.log()).not.toMatch(printed)
  expect((await browser.open(`${second.base}/oauth/authorize?${query}`)).text).toContain('Allow SDK client?')
  await second.end('SIGTERM')
  for (const log of [first.log(), second.log()]) expect(log).not.toMatch(/oidc-provider|DeprecationWarning|\(node:/)
  for (const secret of [refresh_token, sdk.code, 'forgotten forever', 'correct horse battery'])
    expect(first.log() + second.log()).not.toContain(secret)
}, 60_000)

it('says that there are no passwords where people sign in elsewhere', async () => {
  writeFileSync(
    file,
    JSON.stringify({
      ...config,
      auth: { callers: ['oauth'], embedded: { login: { oidc: { issuer: 'https://idp.example', clientId: 'x' } } } },
    }),
  )
  const { code, err } = await signalbox('operators', 'link')
  expect(code).toBe(10)
  expect(err).toContain('there are no passwords here')
})
