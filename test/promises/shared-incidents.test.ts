// Gateways that share a store tell people once: of what all of them see there is one message, under one id, whoever tells it, and what is said
// to one of them holds for all. On a file and on PostgreSQL.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { databaseDomains, domains } from '../../src/assembly/stores.ts'
import type { Durable } from '../../src/core/ports/durable.ts'
import { Incidents } from '../../src/observe/alerts/incidents.ts'
import { leaseMs, standsMs, Tellings } from '../../src/observe/alerts/tellings.ts'
import { systemClock } from '../../src/platform/clock/system-clock.ts'
import { parsePostgresUrl } from '../../src/platform/store/postgres/address.ts'
import { createPostgresDurable } from '../../src/platform/store/postgres/durable.ts'
import { createSqliteDurable } from '../../src/platform/store/sqlite/durable.ts'
import { startReceiver } from '../doubles/alert-receiver.ts'
import { ForwardClock } from '../doubles/forward-clock.ts'
import { aReport } from '../doubles/gateway/samples.ts'
import { ManualClock } from '../doubles/manual-clock.ts'
import type { Result } from '../peers/clients.ts'
import { startUnderTest, type UnderTest } from '../peers/gateway.ts'
import { postgresPath, startPostgres } from '../peers/postgres.ts'
import { eventually } from '../peers/processes.ts'
import { send } from '../peers/raw.ts'
import { plainTool, startScripted } from '../peers/scripted.ts'
import { promise } from './promise.ts'

const open: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

const second = 1_000

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'signalbox-shared-'))
  open.push(() => rmSync(made, { recursive: true, force: true, maxRetries: 3 }))
  return made
}

async function database(): Promise<string> {
  return (await startPostgres(open as (() => Promise<void>)[])).database()
}

interface Store {
  readonly name: string
  readonly isThere: boolean
  readonly config: () => Promise<Record<string, unknown>>
  readonly durable: () => Promise<() => Durable>
}

const parts = () => ({ program: '1', clock: systemClock, report: aReport().report })
const stores: readonly Store[] = [
  {
    name: 'a file',
    isThere: true,
    config: async () => ({ stateDir: folder() }),
    durable: async () => {
      const file = join(folder(), 'signalbox.db')
      return () => createSqliteDurable({ ...parts(), domains, file })
    },
  },
  {
    name: 'PostgreSQL',
    isThere: postgresPath !== undefined,
    config: async () => ({ stores: { durable: await database() }, vault: { key: 'a'.repeat(64) } }),
    durable: async () => {
      const address = parsePostgresUrl(await database())
      if (typeof address === 'string') throw new Error(address)
      return () => createPostgresDurable({ ...parts(), domains: databaseDomains, address, migrates: true })
    },
  },
]

for (const store of stores)
  describe.skipIf(!store.isThere)(`on ${store.name}`, () => {
    promise(
      'R57',
      'two gateways that see a server go away, come back and go again are one message each time, and silence at one is silence at both',
      async () => {
        const clock = new ForwardClock()
        let isAway = false
        const server = await startScripted({
          era: 'modern',
          tools: [plainTool('find')],
          refuse: () => (isAway ? { status: 500, challenge: 'none' } : undefined),
        })
        open.push(server.close)
        const receiver = await startReceiver()
        open.push(receiver.close)
        const config = {
          ...(await store.config()),
          servers: { up: { url: server.url, era: 'modern' } },
          alerts: { webhook: receiver.url },
        }
        const gateways: UnderTest[] = []
        for (let n = 0; n < 2; n += 1) {
          const started = await startUnderTest(config, clock)
          open.push(started.stop)
          gateways.push(started)
        }
        const [one, other] = gateways as [UnderTest, UnderTest]
        const told = async ({ admin }: UnderTest, path: string): Promise<Result> =>
          JSON.parse((await send(`${admin}/admin/v1/${path}`, 'GET', undefined)).text)
        let running = gateways
        /** Both do in the meantime what they have to at the store. */
        const pass = async (seconds: number, until: () => boolean | Promise<boolean> = () => false): Promise<boolean> => {
          for (let n = 0; n < seconds && !(await until()); n += 5) {
            await clock.forward(5 * second)
            await eventually(() => false, 10)
            for (const gateway of running) await told(gateway, 'tools/up/find/usage')
          }
          return until()
        }
        /** How fast a gateway learns of its server is not a matter of the clock that is put forward. */
        const isOpenAtBoth = async (): Promise<boolean> => {
          const lists = await Promise.all(gateways.map((gateway) => told(gateway, 'alerts')))
          return lists.every(({ alerts }) => alerts.some(({ server: of, state }: Result) => of === 'up' && state !== 'resolved'))
        }
        const away = async (now: boolean) => {
          isAway = now
          const seen = server.seen.length
          if (now) for (const { admin } of running) void send(`${admin}/admin/v1/upstreams/up/actions`, 'POST', '{"action":"restart"}')
          await eventually(() => server.seen.length >= seen + (now ? running.length : 0))
        }
        // A store in a thread may be late by a clock that is put forward, which is told as well.
        const received = () => receiver.received.filter(({ body }) => body.incident.server === 'up')
        const events = () => received().map(({ body }) => body.event)
        const ids = async () =>
          new Set([
            ...received().map(({ body }) => body.incident.id),
            ...(await told(one, 'alerts')).alerts.filter(({ server: of }: Result) => of === 'up').map(({ id }: Result) => id),
            ...(await told(other, 'alerts')).alerts.filter(({ server: of }: Result) => of === 'up').map(({ id }: Result) => id),
          ])

        await away(true)
        expect(await pass(1_800, isOpenAtBoth)).toBe(true)
        expect(await pass(1_800, () => events().length > 0)).toBe(true)
        await pass(240)
        expect(events()).toEqual(['opened'])
        expect((await ids()).size).toBe(1)
        await away(false)
        expect(await pass(1_800, () => events().length > 1)).toBe(true)
        await pass(180)
        expect(events()).toEqual(['opened', 'resolved'])

        const silence = { selector: 'up', forMs: 3_600_000, reason: 'it is moved' }
        const { text } = await send(`${one.admin}/admin/v1/silences`, 'POST', JSON.stringify(silence))
        await away(true)
        expect(await pass(1_800, isOpenAtBoth)).toBe(true)
        await pass(240)
        expect(events()).toEqual(['opened', 'resolved'])
        const [{ id }] = (await told(other, 'silences')).silences
        expect(id).toBe(JSON.parse(text).id)
        await send(`${other.admin}/admin/v1/silences/${id}/actions`, 'POST', '{"action":"end"}')
        expect(await pass(120, () => events().length > 2)).toBe(true)
        await pass(120)
        expect(events()).toEqual(['opened', 'resolved', 'reopened'])

        // One of them is gone: the other tells the rest.
        await one.stop()
        running = [other]
        await away(false)
        expect(await pass(3_600, () => events().length > 3)).toBe(true)
        expect(events()).toEqual(['opened', 'resolved', 'reopened', 'resolved'])
        expect(new Set(received().map(({ body }) => body.incident.id)).size).toBe(1)
        expect(new Set(received().map(({ body }) => body.id)).size).toBe(4)
      },
      120_000,
    )

    test('a gateway that ends while it tells leaves it to the next, which waits for that', async () => {
      const clock = new ManualClock(systemClock.now())
      const durableOf = await store.durable()
      const gateways = ['a', 'b', 'c'].map((gateway) => {
        const durable = durableOf()
        open.push(() => durable.close())
        return new Tellings({ durable, clock, gateway })
      })
      const [a, b, c] = gateways as [Tellings, Tellings, Tellings]
      const incidentOf = (since: number) => {
        const all = new Incidents({ ownerOf: () => undefined, configuration: undefined, dropped: () => undefined })
        for (const now of [since, since + 60_000, since + 120_000])
          all.take([{ kind: 'upstream_unavailable', server: 'up', text: 'away' }], now)
        const [incident] = all.all()
        if (incident?.notice === undefined) throw new Error('it is not told')
        return { incident, notice: incident.notice }
      }
      const seen = [incidentOf(1_000_000), incidentOf(1_003_000), incidentOf(1_007_000)] as const
      const claim = (by: Tellings, at: 0 | 1 | 2) => by.claim(seen[at].incident, seen[at].notice, 'webhook', 0)
      // Both at once: one of them has it.
      const [first, next] = await Promise.all([claim(a, 0), claim(b, 1)])
      const [winner, loser] = next === 'later' ? [first, () => claim(b, 1)] : [next, () => claim(a, 0)]
      expect([first, next].filter((one) => one === 'later')).toHaveLength(1)
      await clock.advance(leaseMs - 1)
      // What is old goes when a gateway says what it has open, and a lease is not old.
      for (const [n, gateway] of [a, b, c].entries()) await gateway.stands([seen[n as 0 | 1 | 2].incident])
      expect(await loser()).toBe('later')
      await clock.advance(1)
      const taken = await loser()
      if (taken === 'later' || 'told' in taken || winner === 'later' || winner === undefined || 'told' in winner)
        throw new Error('nobody tells')
      expect(taken).toMatchObject({ incident: seen[next === 'later' ? 1 : 0].incident.id, sequence: 1, first: true })
      // It is back, and its time is over.
      await winner.ended(true)
      await taken.ended(true)
      expect(await claim(c, 2)).toEqual({ told: taken.incident })
      // Nobody tells that it is over while others have it, unless they are gone.
      const over = { ...seen[2].notice, what: 'resolved' as const, sequence: 2 }
      seen[2].incident.toldAs = taken.incident
      expect(await c.claim(seen[2].incident, over, 'webhook', 0)).toBe('later')
      await clock.advance(standsMs)
      expect(await c.claim(seen[2].incident, over, 'webhook', 0)).toMatchObject({ incident: taken.incident, sequence: 2, first: false })
    }, 60_000)
  })

test('a store that is away keeps no message back, and one that is held not for long', async () => {
  const fail = (kind: 'unavailable' | 'locked') =>
    ({ transact: async () => ({ ok: false, fault: { kind, message: 'no' } }) }) as unknown as Durable
  const incident = { id: 'aaaaaaaaaaaa', scope: 'server up', told: new Map(), toldAs: undefined } as never
  const notice = { sequence: 1, what: 'opened', atMs: 0, severity: 'warn' } as const
  const claim = (kind: 'unavailable' | 'locked', sinceMs: number) =>
    new Tellings({ durable: fail(kind), clock: new ManualClock(), gateway: 'a' }).claim(incident, notice, 'webhook', sinceMs)
  expect(await claim('unavailable', 0)).toMatchObject({ incident: 'aaaaaaaaaaaa', first: true })
  expect(await claim('locked', 0)).toBe('later')
  expect(await claim('locked', 60_000)).toMatchObject({ incident: 'aaaaaaaaaaaa' })
})
