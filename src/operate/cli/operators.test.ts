import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { registeredClient, renewedAt } from '../../../test/doubles/authorization/registered-client.ts'
import { Browser } from '../../../test/peers/browser.ts'
import { signalbox } from '../../../test/peers/command-line.ts'
import { freePort } from '../../../test/peers/free-port.ts'
import { startProcess } from '../../../test/peers/process.ts'

const folder = mkdtempSync(join(tmpdir(), 'signalbox-operators-'))
const file = join(folder, 'signalbox.yaml')
let config: Record<string, unknown>

const run = (...args: string[]) => signalbox(folder, ...args)

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
  expect((await run('operators', 'link')).code).toBe(11)
  const first = await startProcess(config)
  const browser = new Browser({ within: first.base })
  const set = async (link: string, word: string) => browser.submit(await browser.open(link), { name: 'ada', password: word, again: word })
  await set(await first.logged(printed), 'forgotten forever')
  const { out, code } = await run('operators', 'link', '--json')
  expect(code).toBe(0)
  const { link } = JSON.parse(out) as { link: string }
  expect(link).toContain(`${first.base}/oauth/setup/`)
  expect((await set(link, 'correct horse battery')).text).toContain('You can sign in now')
  expect((await browser.open(link)).status).toBe(404)

  const client = await registeredClient(first.base, browser)
  await first.end('SIGTERM')

  const second = await startProcess(config)
  expect(await renewedAt(second.base, client)).toBe(200)
  expect(second.log()).not.toMatch(printed)
  expect((await browser.open(`${second.base}${client.authorization.pathname}${client.authorization.search}`)).text).toContain(
    'Allow SDK client?',
  )
  await second.end('SIGTERM')
  for (const log of [first.log(), second.log()]) expect(log).not.toMatch(/oidc-provider|DeprecationWarning|\(node:/)
  for (const secret of [client.refresh, client.code, 'forgotten forever', 'correct horse battery'])
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
  const { code, err } = await run('operators', 'link')
  expect(code).toBe(10)
  expect(err).toContain('there are no passwords here')
})
