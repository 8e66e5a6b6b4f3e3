// What operators see of the embedded authorization server: clients that registered, what people allowed them, and taking both back, with a real
// gateway that runs meanwhile.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type RegisteredClient, registeredClient, renewedAt } from '../../../test/doubles/authorization/registered-client.ts'
import { password } from '../../../test/doubles/authorization/rig.ts'
import { Browser } from '../../../test/peers/browser.ts'
import { type Ran, signalbox } from '../../../test/peers/command-line.ts'
import { freePort } from '../../../test/peers/free-port.ts'
import { type GatewayProcess, startProcess } from '../../../test/peers/process.ts'
import { eventually } from '../../../test/peers/processes.ts'
import { modern } from '../../../test/peers/raw.ts'

const folder = mkdtempSync(join(tmpdir(), 'signalbox-registered-'))
let gateway: GatewayProcess
let browser: Browser

beforeAll(async () => {
  const config = {
    listen: `127.0.0.1:${await freePort()}`,
    admin: { listen: '127.0.0.1:0' },
    stateDir: join(folder, 'state'),
    auth: { callers: ['oauth'] },
    servers: {},
  }
  writeFileSync(join(folder, 'signalbox.yaml'), JSON.stringify(config))
  gateway = await startProcess(config)
  browser = new Browser({ within: gateway.base })
  const link = await gateway.logged(/http:\S+\/oauth\/setup\/\S+/)
  await browser.submit(await browser.open(link), { name: 'ada', password, again: password })
}, 30_000)
afterAll(async () => {
  await gateway.end('SIGTERM')
  rmSync(folder, { recursive: true, force: true })
})

const run = (...args: string[]): Promise<Ran> => signalbox(folder, ...args)
const json = async (...args: string[]) => JSON.parse((await run(...args, '--json')).out)

const renewed = (client: RegisteredClient): Promise<number> => renewedAt(gateway.base, client)
const statusOf = async ({ access }: RegisteredClient): Promise<number> =>
  (await modern(gateway.base, 'tools/list', {}, { headers: { authorization: `Bearer ${access}` } })).status
const signIn = (): Promise<RegisteredClient> => registeredClient(gateway.base, browser, { resource: `${gateway.base}/mcp` })

it('lists clients with their last token and what people allowed them; takes consents back, and clients', async () => {
  expect(await json('clients', 'list')).toEqual({ clients: [] })
  expect((await run('clients', 'list')).out).toBe('There are no clients.\n')
  const [first, second] = [await signIn(), await signIn()]
  const { clients } = await json('clients', 'list')
  expect(clients).toHaveLength(2)
  for (const one of [first, second]) {
    expect(clients.find(({ id }: { id: string }) => id === one.id)).toMatchObject({
      kind: 'registered',
      name: 'SDK client',
      redirectUris: ['http://127.0.0.1:49200/callback'],
      registered: expect.stringMatching(/^\d{4}-/),
      used: expect.stringMatching(/^\d{4}-/),
      people: 1,
    })
  }
  const shown = await run('clients', 'list')
  expect(shown.out).toContain('last token')
  expect(shown.out).toContain(first.id)

  const { consents } = await json('grants', 'list', '--principal', 'ada')
  expect(consents).toHaveLength(2)
  expect(consents[0]).toMatchObject({ principal: { name: 'ada' }, redirectHost: '127.0.0.1', resource: `${gateway.base}/mcp` })
  expect((await run('grants', 'list')).out).toContain('What people allowed clients here:')
  expect((await json('grants', 'list', '--principal', 'eve')).consents).toEqual([])

  expect((await run('grants', 'revoke', '--server', 'up', '--client', first.id)).code).toBe(2)
  const taken = await run('grants', 'revoke', '--client', first.id)
  expect([taken.code, taken.out]).toEqual([
    0,
    expect.stringContaining('One consent to a client was taken back, and one sign-in was ended.'),
  ])
  expect([await renewed(first), await renewed(second)]).toEqual([400, 200])
  expect((await json('grants', 'list')).consents.map(({ client }: { client: string }) => client)).toEqual([second.id])
  expect((await run('audit', 'query', '--denied', '--json')).out).toContain('an operator took it back')

  // No dash in front, which would begin an option.
  expect(second.id).toMatch(/^c[\w-]{22}$/)
  const removed = await run('clients', 'remove', second.id)
  expect([removed.code, removed.out]).toEqual([0, expect.stringContaining('is forgotten')])
  expect(await eventually(async () => (await statusOf(second)) === 401, 8_000)).toBe(true)
  expect(await renewed(second)).toBe(401)
  expect((await json('clients', 'list')).clients.map(({ id }: { id: string }) => id)).toEqual([first.id])
  expect((await run('clients', 'remove', second.id)).code).toBe(1)
}, 60_000)
