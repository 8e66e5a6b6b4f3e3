// The pages of the authorization server in a real browser: a person makes the first operator, signs in, allows a client, and lands there.
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { password, type Rig, startRig } from '../doubles/authorization/rig.ts'
import { chromiumPath, openWindow, type Window } from './chromium.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const shots = process.env.SCREENSHOTS

if (chromiumPath === undefined)
  process.stdout.write('Not tried: the pages of the authorization server in Chromium, which this machine has not.\n')

describe.skipIf(chromiumPath === undefined)('the pages of the authorization server in Chromium', () => {
  let rig: Rig
  let window: Window
  let client: Server
  let callback: string
  let clientId: string
  const complaints: string[] = []

  beforeAll(async () => {
    client = createServer(
      (req, res) =>
        void res.setHeader('content-type', 'text/html').end(`<title>client</title>${req.url?.includes('code=') ? 'connected' : 'refused'}`),
    )
    await new Promise<void>((resolve) => client.listen(0, '127.0.0.1', resolve))
    callback = `http://127.0.0.1:${(client.address() as AddressInfo).port}/callback`
    rig = await startRig({ scopes: { tracker: ['tickets:read', 'tickets:write'] } })
    clientId = await rig.client({ client_name: 'Desk Assistant', redirect_uris: ['http://127.0.0.1/callback'] })
    window = await openWindow({ colorScheme: 'light', viewport: { width: 1000, height: 760 } })
    window.context.on('console', (message) => void (/error|warning/.test(message.type()) && complaints.push(message.text())))
    window.context.on('weberror', (error) => void complaints.push(error.error().message))
  }, 60_000)
  afterAll(async () => {
    await window?.close()
    await rig?.close()
    client?.closeAllConnections()
    client?.close()
  })

  const authorize = (): string => {
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: clientId,
      redirect_uri: callback,
      state: 's',
      code_challenge: 'x'.repeat(43),
      code_challenge_method: 'S256',
      resource: `${rig.base}/mcp/tracker`,
      scope: 'tickets:read tickets:write offline_access',
      prompt: 'consent',
    })
    return `${rig.base}/oauth/authorize?${query}`
  }

  /** By the rules of WCAG 2.2 A and AA, in both colour schemes and on a narrow screen. */
  async function isAccessible(page: Page, name: string): Promise<void> {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      if (shots !== undefined) await page.screenshot({ path: `${shots}/${name}-${colorScheme}.png` })
      // By the debugger, which the policy of the page does not bind: no script of the page itself may run.
      await page.evaluate(axe)
      const violations = await page.evaluate(async () => {
        const run = (
          globalThis as unknown as { axe: { run(options: object): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> } }
        ).axe
        const found = await run.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'] })
        return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
      })
      expect(violations, `${name}, ${colorScheme}`).toEqual([])
    }
    await page.setViewportSize({ width: 320, height: 640 })
    const wide = await page.evaluate(
      () => (globalThis as unknown as { document: { documentElement: { scrollWidth: number } } }).document.documentElement.scrollWidth,
    )
    expect(wide, `${name} fits 320 pixels`).toBeLessThanOrEqual(320)
    if (shots !== undefined) await page.screenshot({ path: `${shots}/${name}-narrow.png`, fullPage: true })
    await page.setViewportSize({ width: 1000, height: 760 })
  }

  it('make the first operator, sign in and allow a client by keyboard alone, and end at the client', async () => {
    const page = await window.context.newPage()
    await page.goto(String(await rig.server.setupLink()))
    await isAccessible(page, 'setup')
    await page.keyboard.type('ada')
    await page.keyboard.press('Tab')
    await page.keyboard.type(password)
    await page.keyboard.press('Tab')
    await page.keyboard.type(password)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'The operator is there' }).waitFor()
    await isAccessible(page, 'setup-done')

    await page.goto(authorize())
    await isAccessible(page, 'sign-in')
    await page.getByLabel('User name').fill('ada')
    await page.getByLabel('Password').fill('wrong')
    await page.keyboard.press('Enter')
    await page.getByRole('alert').waitFor()
    expect(await page.getByRole('alert').textContent()).toContain('is wrong')
    await isAccessible(page, 'sign-in-failed')
    await page.getByLabel('Password').fill(password)
    await page.keyboard.press('Enter')

    await page.getByRole('heading', { name: 'Allow Desk Assistant?' }).waitFor()
    await isAccessible(page, 'consent')
    await page.getByRole('button', { name: 'Allow' }).focus()
    await page.keyboard.press('Enter')
    await page.waitForURL(`${callback}?**`)
    expect(await page.textContent('body')).toContain('connected')
    await page.close()
  }, 60_000)

  it('take a no as well', async () => {
    const page = await window.context.newPage()
    await page.goto(authorize())
    await page.getByRole('button', { name: 'Deny' }).click()
    await page.waitForURL(`${callback}?**`)
    expect(page.url()).toContain('error=access_denied')
    await page.close()
  }, 60_000)

  it('say what went wrong where a client asks for what is not possible', async () => {
    const page = await window.context.newPage()
    await page.goto(authorize().replace(/redirect_uri=[^&]+/, 'redirect_uri=https%3A%2F%2Fevil.example%2F'))
    await page.getByRole('heading', { name: 'This sign-in cannot go on' }).waitFor()
    await isAccessible(page, 'error')
    await page.close()
  }, 60_000)

  it('are shown in no frame of another site', async () => {
    const page = await window.context.newPage()
    await page.goto(`${callback}?frame`)
    const blocked = page.waitForEvent('console', (message) => /frame-ancestors|X-Frame-Options/i.test(message.text()))
    await page.evaluate(
      (to) => {
        const { document } = globalThis as unknown as { document: { body: { insertAdjacentHTML(where: string, what: string): void } } }
        document.body.insertAdjacentHTML('beforeend', `<iframe src="${to}"></iframe>`)
      },
      authorize().replace('127.0.0.1', 'localhost'),
    )
    await blocked
    await page.close()
  }, 60_000)

  it('met no complaint of the browser but those that were meant', () => {
    const meant = /frame-ancestors|X-Frame-Options|status of 4\d\d/
    expect(complaints.filter((text) => !meant.test(text))).toEqual([])
  })
})
