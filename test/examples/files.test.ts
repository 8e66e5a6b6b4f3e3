// Every configuration below examples/ is valid as it stands, and the one for production serves other machines, whose callers it asks who they are.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { load } from '../../src/operate/configuration/load.ts'
import { formatProblem } from '../../src/platform/config/index.ts'
import { startIssuer } from '../doubles/issuer.ts'
import { type Closers, list } from '../peers/admitting.ts'
import { plainTool, startScripted } from '../peers/scripted.ts'
import { root } from '../peers/servers.ts'
import { promise } from '../promises/promise.ts'
import { folderFor, readPage, replaced, startExample } from './example.ts'

const closers: Closers = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const configurations = (readdirSync(join(root, 'examples'), { recursive: true }) as string[]).filter((path) => path.endsWith('.yaml'))

test('there are configurations', () => {
  expect(configurations.length).toBeGreaterThanOrEqual(6)
})

test.each(configurations)('examples/%s is valid', async (path) => {
  const folder = folderFor(closers)
  const text = readPage(`examples/${path}`)
    // Of what is a comment nothing is needed.
    .replace(/^ *#.*$/gm, '')
    .replaceAll('/etc/signalbox', folder)
  for (const [, secret = ''] of text.matchAll(/\$\{file:([^}]+)\}/g))
    writeFileSync(secret, 'a secret of 32 characters or more', { mode: 0o600 })
  const config = join(folder, 'signalbox.yaml')
  writeFileSync(config, text)
  const result = await load({ config, env: { TRACKER_TOKEN: 'a token of the environment' }, cwd: folder })
  expect(result.ok ? [] : result.problems.map(formatProblem)).toEqual([])
  expect(result.ok && [result.loaded.broken, result.loaded.warnings]).toEqual([[], []])
})

promise(
  ['R10', 'R11', 'R14', 'R26'],
  'examples/production.yaml serves every address, and lets in whom its issuer knows',
  async () => {
    const idp = await startIssuer('RS256')
    const tracker = await startScripted({ tools: [plainTool('get_issue'), plainTool('delete_issue')] })
    closers.push(idp.close, tracker.close)
    const folder = folderFor(closers)
    mkdirSync(join(folder, 'shared'))
    const text = replaced(readPage('examples/production.yaml'), {
      'https://id.example.com/realms/main': idp.issuer,
      'https://tracker.example.com/mcp': tracker.url,
      '/var/lib/signalbox': join(folder, 'state'),
      '/srv/shared': join(folder, 'shared'),
    })
    const options = { listen: { host: '0.0.0.0', port: 0 }, env: { TRACKER_TOKEN: 'a token of the environment' } }
    const { base } = await startExample(closers, text, options)
    const outer = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).filter((one) => !one.internal && one.family === 'IPv4'))
    const { port } = new URL(base)
    for (const { address } of [{ address: '127.0.0.1' }, ...outer]) {
      const at = { base: `http://${address}:${port}` }
      const show = async (claims: Record<string, unknown>, lifetimeS = 300) => {
        const exp = Math.floor(Date.now() / 1_000) + 200
        const aud = 'https://mcp.example.com/mcp'
        const token = await idp.sign(
          { aud, groups: ['support'], scope: 'tickets:read', iat: exp - lifetimeS, exp, ...claims },
          { typ: 'JWT' },
        )
        const { status, message } = await list(at, { authorization: `Bearer ${token}` })
        return status === 200 ? message.result.tools.map(({ name }: { name: string }) => name) : status
      }
      const nobody = await list(at, {})
      expect([nobody.status, nobody.headers['www-authenticate']]).toEqual([
        401,
        expect.stringContaining('https://mcp.example.com/.well-known/'),
      ])
      expect(await show({})).toContain('tracker__get_issue')
      expect(await show({ groups: ['interns'] })).toEqual([])
      expect(await show({ groups: ['engineers'] })).not.toContain('tracker__get_issue')
      expect(await show({}, 7_200)).toBe(401)
      expect(await show({ aud: 'https://another.example/mcp' })).toBe(401)
    }
  },
  60_000,
)
