import { spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type AlertReceiver, startReceiver } from '../../../test/doubles/alert-receiver.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { freePort } from '../../../test/peers/free-port.ts'
import { eventually } from '../../../test/peers/processes.ts'
import type { Durable } from '../../core/ports/durable.ts'
import { KnownValues } from '../../core/secrets/known-values.ts'
import { Redaction } from '../../core/secrets/redaction.ts'
import { systemClock } from '../../platform/clock/system-clock.ts'
import { createGuardedFetch } from '../../platform/net/guarded-fetch.ts'
import { systemRandom } from '../../platform/random/system-random.ts'
import { createSqliteDurable } from '../../platform/store/sqlite/durable.ts'
import { SteadyTime } from '../steady-time.ts'
import { Alerts } from './alerts.ts'
import type { Condition } from './condition.ts'
import { alertsDomain } from './incident-store.ts'
import { alertSettings } from './settings.ts'

const open: (() => unknown)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

const minute = 60_000
const redaction = new Redaction({ keys: [], patterns: [] }, [KnownValues.of(['hunter2hunter2'])])
const down = (server = 'up', text = `${server} cannot be reached`): Condition => ({ kind: 'upstream_unavailable', server, text })

interface Made {
  readonly clock: ManualClock
  readonly alerts: Alerts
  readonly lines: string[]
  readonly counted: Map<string, number>
  stands: readonly Condition[]
  end(): Promise<void>
}

async function made(
  settings: unknown,
  { clock = new ManualClock(), durable }: { clock?: ManualClock; durable?: Durable } = {},
): Promise<Made> {
  const parsed = alertSettings.parse(settings)
  const trusted = [...parsed.webhook.map(({ url }) => url), ...parsed.slack, ...parsed.alertmanager]
  const guarded = createGuardedFetch({ trusted, loopback: false, timeoutMs: 700, maxBytes: 65_536 })
  open.push(() => guarded.close())
  const lines: string[] = []
  const counted = new Map<string, number>()
  const it: Made = {
    clock,
    lines,
    counted,
    stands: [],
    alerts: new Alerts({
      settings: parsed,
      fetch: guarded.fetch,
      clock,
      time: new SteadyTime(clock),
      random: systemRandom,
      report: {
        log: (_severity, event, fields) => void lines.push(`${event} ${JSON.stringify(fields)}`),
        counters: {
          add: (name, labels) => {
            const key = `${name} ${Object.values(labels).join(' ')}`
            counted.set(key, (counted.get(key) ?? 0) + 1)
          },
        },
      },
      durable,
      gateway: systemRandom.id(),
      redact: (text) => redaction.recognised(text),
      ownerOf: () => 'team',
      configuration: 'abc',
      sources: [() => it.stands],
      acknowledge: () => undefined,
    }),
    end: () => it.alerts.end(),
  }
  await it.alerts.start()
  open.push(() => it.end())
  return it
}

/** What was told of the server `up`. */
const ofUp = ({ received }: AlertReceiver): string[] =>
  received.filter(({ body }) => body.incident.server === 'up').map(({ body }) => body.event)

const receiver = async (answer?: (res: ServerResponse) => void) => {
  const started = await startReceiver(answer)
  open.push(started.close)
  return started
}

describe('webhooks', () => {
  it('are signed as Standard Webhooks says, and hold no secret', async () => {
    const { url, received } = await receiver()
    const secret = 'whsec_c2VjcmV0LW9mLXRoaXMtdGVzdA=='
    const it = await made({ webhook: { url: `${url}/hook`, secret } })
    it.stands = [down('up', 'ghp_9aQ2kLw8ZxT4mVb7NcR1yUe6HsJ3dFg5PoKi refused\nhunter2hunter2 <!channel>')]
    await it.clock.advance(5 * minute)
    expect(await eventually(() => received.length === 1)).toBe(true)
    const [one] = received
    expect(one?.path).toBe('/hook')
    const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signed } = one?.headers ?? {}
    const key = Buffer.from('secret-of-this-test')
    expect(signed).toBe(
      `v1,${createHmac('sha256', key)
        .update(`${String(id)}.${String(at)}.${one?.text}`)
        .digest('base64')}`,
    )
    expect(one?.text).not.toMatch(/ghp_|hunter2|\n/)
    expect(one?.body).toMatchObject({
      version: 1,
      id,
      event: 'opened',
      incident: { server: 'up', owner: 'team', severity: 'critical', configuration: 'abc' },
    })
  })

  it('tell nothing twice over a restart, and go on with what was open', async () => {
    const { url, events } = await receiver()
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-alerts-'))
    open.push(() => rmSync(folder, { recursive: true, force: true }))
    const clock = new ManualClock()
    const start = () => {
      const report = { log: () => undefined, counters: { add: () => undefined } }
      const durable = createSqliteDurable({ file: join(folder, 'a.db'), domains: [alertsDomain], program: '1', clock: systemClock, report })
      return { durable, made: made({ webhook: url }, { clock, durable }) }
    }
    const stop = async ({ durable, made }: ReturnType<typeof start>) => {
      await (await made).end()
      await durable.close()
    }
    let run = start()
    ;(await run.made).stands = [down()]
    await clock.advance(5 * minute)
    expect(await eventually(() => events().length === 1)).toBe(true)
    await stop(run)
    // Down while it was away, and for long after. At the start nobody has looked yet.
    await clock.advance(30 * minute)
    run = start()
    await run.made
    await clock.advance(minute)
    ;(await run.made).stands = [down()]
    await clock.advance(2 * 60 * minute)
    expect((await run.made).alerts.all()).toMatchObject([{ state: 'open', kind: 'upstream_unavailable' }])
    await stop(run)
    run = start()
    await run.made
    await clock.advance(60 * minute)
    expect(await eventually(() => events().length === 2)).toBe(true)
    expect(events()).toEqual(['opened', 'resolved'])
    await stop(run)
    run = start()
    await run.made
    await clock.advance(60 * minute)
    ;(await run.made).stands = [down()]
    await clock.advance(5 * minute)
    expect(await eventually(() => events().length === 3)).toBe(true)
    // The same one, which came back.
    expect(events()).toEqual(['opened', 'resolved', 'reopened'])
    await stop(run)
  })

  it('keep silences over a restart', async () => {
    const { url, events } = await receiver()
    const clock = new ManualClock()
    const report = { log: () => undefined, counters: { add: () => undefined } }
    const durable = createSqliteDurable({ file: undefined, domains: [alertsDomain], program: '1', clock: systemClock, report })
    open.push(() => durable.close())
    const first = await made({ webhook: url }, { clock, durable })
    first.stands = [down()]
    const silence = first.alerts.silence('up', 2 * 60 * minute, 'a planned restart', 'ada')
    await first.end()
    const second = await made({ webhook: url }, { clock, durable })
    second.stands = [down()]
    await clock.advance(60 * minute)
    expect(second.alerts.silences()).toMatchObject([{ id: silence?.id, selector: 'up', reason: 'a planned restart', by: 'ada' }])
    expect(second.alerts.all()).toMatchObject([{ state: 'silenced' }])
    expect(events()).toEqual([])
    second.alerts.unsilence(String(silence?.id))
    await clock.advance(minute)
    expect(await eventually(() => events().length === 1)).toBe(true)
    expect(second.alerts.silence('up', 1, '', '')).toBeDefined()
  })

  it('take a wall clock that is set by days for no time at all', async () => {
    const { url, events } = await receiver()
    const clock = new ManualClock()
    let set = 0
    const jumping = Object.assign(Object.create(clock) as ManualClock, { now: () => clock.now() + set })
    const it = await made({ webhook: url }, { clock: jumping })
    it.stands = [down()]
    await clock.advance(30_000)
    set = 3 * 24 * 60 * minute
    await clock.advance(15_000)
    expect(it.alerts.all()).toEqual([])
    await clock.advance(5 * minute)
    expect(await eventually(() => events().length === 1)).toBe(true)
    set = -3 * 24 * 60 * minute
    await clock.advance(60 * minute)
    expect(events()).toEqual(['opened'])
    expect(Date.parse(it.alerts.all()[0]?.since ?? '')).toBeLessThan(clock.now() + set)
  })
})

describe('receivers', () => {
  it.each([
    ['answers with 500', (res: ServerResponse) => void res.writeHead(500).end('no')],
    ['redirects', (res: ServerResponse) => void res.writeHead(307, { location: 'http://169.254.169.254/latest' }).end()],
    ['never answers', () => undefined],
    ['cuts the connection', (res: ServerResponse) => void res.destroy()],
    ['answers without end', (res: ServerResponse) => void res.writeHead(503).write('x'.repeat(1_000_000))],
  ])('that %s harm nothing: another is told, this one is tried again, and then told the last', async (_how, answer) => {
    let isWell = false
    const bad = await receiver((res) => (isWell ? void res.end() : answer(res)))
    const good = await receiver()
    const it = await made({ webhook: [bad.url, good.url] })
    it.stands = [down()]
    await it.clock.advance(2 * minute)
    expect(await eventually(() => ofUp(good).length === 1 && (it.counted.get('alert_notifications webhook failed') ?? 0) >= 1)).toBe(true)
    it.stands = []
    await it.clock.advance(15 * minute)
    expect(await eventually(() => ofUp(good).length === 2)).toBe(true)
    isWell = true
    expect(
      await eventually(async () => {
        await it.clock.advance(5 * minute)
        return ofUp(bad).at(-1) === 'resolved'
      }),
    ).toBe(true)
    expect(ofUp(bad).at(-1)).toBe('resolved')
    expect(it.lines.join('\n')).not.toContain('169.254')
    expect(ofUp(good)).toEqual(['opened', 'resolved'])
  })

  it('that refuse a message are spared it after five tries', async () => {
    const bad = await receiver((res) => void res.writeHead(400).end())
    const it = await made({ webhook: bad.url })
    it.stands = [down()]
    await eventually(async () => {
      await it.clock.advance(5 * minute)
      return (it.counted.get('alert_notifications webhook dropped') ?? 0) > 0
    })
    await it.clock.advance(30 * minute)
    expect(ofUp(bad)).toHaveLength(5)
  })

  it('of Slack get one message that calls nobody and links nothing', async () => {
    const { url, received } = await receiver()
    const it = await made({ slack: `${url}/services/T0/B0/secret` })
    it.stands = [{ ...down('up', '<https://evil.example|click> & <!channel> @here'), deploy: { what: 'version 2', atMs: 0 } }]
    await it.clock.advance(5 * minute)
    expect(await eventually(() => received.length === 1)).toBe(true)
    const { text, attachments } = received[0]?.body ?? {}
    expect(text).toBe('critical at up: upstream_unavailable')
    expect(attachments[0].text).toBe('&lt;https://evil.example|click&gt; &amp; &lt;!channel&gt; @\u200bhere')
    expect(attachments[0].fields).toContainEqual({ title: 'owner', value: 'team', short: true })
    expect(it.lines.join('\n')).not.toContain('secret')
  })
})

const program = ['/usr/bin/prometheus-alertmanager', '/usr/bin/alertmanager'].find((path) => existsSync(path))
if (program === undefined)
  process.stderr.write('No Alertmanager is installed here (Debian: prometheus-alertmanager): not tried against one.\n')

describe.runIf(program !== undefined)('a real Alertmanager', () => {
  it('shows what is open, once whoever sends it, and that it is over', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-alertmanager-'))
    open.push(() => rmSync(folder, { recursive: true, force: true }))
    const hook = await receiver()
    const config = join(folder, 'alertmanager.yml')
    writeFileSync(
      config,
      `route: {receiver: hook, group_by: [server], group_wait: 0s, group_interval: 1s}\nreceivers: [{name: hook, webhook_configs: [{url: '${hook.url}'}]}]\n`,
    )
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    const child = spawn(
      String(program),
      [`--config.file=${config}`, `--storage.path=${folder}`, `--web.listen-address=127.0.0.1:${port}`, '--cluster.listen-address='],
      { stdio: 'ignore' },
    )
    open.push(() => new Promise((resolve) => child.once('exit', resolve) && child.kill('SIGKILL')))
    const alertsOf = async () =>
      (await (await fetch(`${url}/api/v2/alerts`)).json()) as { labels: Record<string, string>; annotations: Record<string, string> }[]
    expect(await eventually(async () => (await fetch(`${url}/-/ready`).catch(() => undefined))?.ok === true, 20_000)).toBe(true)
    // Its clock is the real one, before which both are: it takes an end that has yet to come for none.
    const gateways = await Promise.all(
      [0, 1].map(() => made({ alertmanager: url }, { clock: new ManualClock(systemClock.now() - 3 * minute) })),
    )
    for (const one of gateways) {
      one.stands = [{ ...down('tracker'), kind: 'empty', tool: 'find' }]
      await one.clock.advance(2 * minute)
    }
    expect(await eventually(async () => (await alertsOf()).length === 1)).toBe(true)
    expect((await alertsOf())[0]).toMatchObject({
      labels: { alertname: 'Signalbox', kind: 'empty', server: 'tracker', tool: 'find', severity: 'warn', owner: 'team' },
      annotations: { summary: 'tracker cannot be reached', runbook: 'docs/alerts.md#empty' },
    })
    expect(await eventually(() => hook.received.length > 0, 20_000)).toBe(true)
    expect(hook.received[0]?.body.alerts).toHaveLength(1)
    for (const one of gateways) {
      one.stands = []
      await one.clock.advance(30_000)
    }
    expect(await eventually(async () => (await alertsOf()).length === 0)).toBe(true)
    expect(await eventually(() => hook.received.at(-1)?.body.status === 'resolved', 20_000)).toBe(true)
  }, 60_000)
})
