// What every store of the audit does, whatever engine keeps it.
import { expect, it } from 'vitest'
import type { AuditStore } from '../../src/core/ports/audit-store.ts'
import { type AuditParts, createAudit } from '../../src/observe/audit/audit.ts'
import type { Anchor } from '../../src/observe/audit/chain.ts'
import { createEncoder } from '../../src/observe/audit/encode.ts'
import { auditRows, rowsOfRun } from '../../src/observe/audit/read.ts'
import { type RunPlace, type RunsFilter, runsBy } from '../../src/observe/audit/runs.ts'
import { costBy } from '../../src/observe/audit/sums.ts'
import { verifyAudit } from '../../src/observe/audit/verify.ts'
import { auditSignerFrom, auditVerifierFrom } from '../../src/platform/audit/signing-key.ts'
import { systemClock } from '../../src/platform/clock/system-clock.ts'
import { systemRandom } from '../../src/platform/random/system-random.ts'
import { value } from '../audit/bench.ts'
import { aPrincipal } from '../doubles/principal.ts'
import { aRecord } from '../doubles/record.ts'
import { aRun } from '../doubles/run.ts'
import { eventually } from '../peers/processes.ts'

export interface AuditStoreUnderTest {
  /** One more store of the same place. */
  open(): Promise<AuditStore>
}

const secret = Buffer.alloc(32, 7)
const verifier = auditVerifierFrom(secret)
const report = { log: () => undefined, counters: { add: () => undefined, session: () => undefined } }

export function auditStoreContract(make: () => Promise<AuditStoreUnderTest>): void {
  const started = async (place: AuditStoreUnderTest, change: Partial<AuditParts> = {}) => {
    const store = await place.open()
    const anchors: Anchor[] = []
    const audit = createAudit({
      store,
      clock: systemClock,
      random: systemRandom,
      report,
      encoder: createEncoder({ text: (text) => text, recognised: (text) => text }, () => 'null'),
      mode: 'durable',
      onLoss: 'closed',
      retentionMs: 86_400_000,
      program: 'test',
      signer: auditSignerFrom(secret),
      anchor: async (anchor) => void anchors.push(anchor),
      ...change,
    })
    return { store, audit, anchors }
  }
  const call = (id: string, run = 'run-1') =>
    aRecord({ id, run: aRun({ id: run }), atMs: systemClock.now(), usage: { sent: 1, got: 2, cost: 0.5 } as never })

  it('keeps what is answered for, finds it, adds it up and is verified', async () => {
    const place = await make()
    const { store, audit, anchors } = await started(place)
    for (let n = 0; n < 12; n += 1) {
      const settled = Array.from({ length: 100 }, (_, m) => audit.settled(call(`call-${n * 100 + m}`, `run-${m % 10}`)))
      expect(await Promise.all(settled)).toEqual(settled.map(() => true))
    }
    await eventually(() => store.unindexed === 0)
    await audit.settled(call('tail', 'run-3'))
    const { rows } = value(await rowsOfRun(store, 'run-3'))
    expect(rows.map(({ id }) => id)).toEqual([...Array.from({ length: 120 }, (_, n) => `call-${n * 10 + 3}`), 'tail'])
    expect(value(await costBy(store, [], {})).total).toMatchObject({ calls: 1_201, tokensSent: 1_201, costNano: 600_500_000_000 })
    const listed = value(await runsBy(store, {}, { most: 50 })).runs
    expect(listed[0]).toMatchObject({ run: 'run-3', calls: 121, tokensGot: 242 })
    expect(listed.reduce((calls, run) => calls + run.calls, 0)).toBe(1_201)
    const pages: string[] = []
    let after: string | undefined
    do {
      const page = value(await auditRows(store, { about: 'call' }, { order: 'newest', most: 500, after }))
      pages.push(...page.rows.map(({ id }) => id))
      after = page.next
    } while (after !== undefined)
    expect(pages).toHaveLength(1_201)
    expect(pages[0]).toBe('tail')
    expect(value(await verifyAudit(store, { verifier, anchors }))).toMatchObject({ verdict: 'whole' })
    await audit.end()
    const again = await place.open()
    expect(value(await verifyAudit(again, { verifier, anchors }))).toMatchObject({ verdict: 'whole', chains: [{ ended: true }] })
    await again.close()
  })

  it('finds runs by what they did, page by page, whatever of them is indexed and in which order it came', async () => {
    const place = await make()
    const { store, audit } = await started(place)
    const hour = 3_600_000
    const now = systemClock.now()
    const did = (run: string, hoursAgo: number, change: object = {}) =>
      audit.settled(aRecord({ id: `${run} ${hoursAgo}`, run: aRun({ id: run }), atMs: now - hoursAgo * hour, ...change }))
    const timeout = { kind: 'upstream_timeout', category: 'transport', sideEffect: 'unknown', message: 'late' }
    const by = (sub: string) => ({ ...aRecord().caller, principal: { ...aPrincipal(), sub } })
    // The later of its calls come first; one run is under way for days, one is of two people.
    await did('long', 1, { item: 'other', usage: { sent: 1, got: 2, cost: 3 } })
    await did('long', 70, { usage: { sent: 10, got: 20, cost: 0.5 } })
    await did('failed', 5, { outcome: 'fault', fault: timeout })
    await did('failed', 6)
    await did('shared', 8, { caller: by('anna') })
    await did('shared', 7, { caller: by('bert'), run: aRun({ id: 'shared', team: 'support' }) })
    await did('suspect', 20, { suspect: ['empty'] })
    await eventually(() => store.unindexed === 0)
    const found = async (filter: RunsFilter) =>
      value(await runsBy(store, filter, { most: 50 })).runs.map(({ run, subject }) => (run === 'shared' ? `${run} ${subject}` : run))
    const holds = async (): Promise<void> => {
      const { runs } = value(await runsBy(store, {}, { most: 50 }))
      expect(runs.map(({ run, calls }) => [run, calls])).toEqual([
        ['long', 2],
        ['failed', 2],
        ['shared', 1],
        ['shared', 1],
        ['suspect', 1],
      ])
      expect(runs[0]).toMatchObject({
        ...{ firstMs: now - 70 * hour, lastMs: now - hour, tools: ['up/other', 'up/weather'], tokensSent: 11, tokensGot: 22 },
        ...{ costNano: 3_500_000_000, clients: ['agent'], faults: 0, faultKinds: [] },
      })
      expect(runs[1]).toMatchObject({ faults: 1, faultKinds: ['upstream_timeout'], attempts: 2, ms: 80 })
      expect(runs[2]).toMatchObject({ subject: 'bert', teams: ['support'] })
      expect(await found({ fromMs: now - 6.5 * hour })).toEqual(['long', 'failed'])
      expect(await found({ toMs: now - 7.5 * hour })).toEqual(['long', 'shared anna', 'suspect'])
      expect(await found({ fromMs: now - 30 * hour, toMs: now - 9 * hour })).toEqual(['long', 'suspect'])
      expect(await found({ principal: 'bert' })).toEqual(['shared bert'])
      expect(await found({ team: 'support' })).toEqual(['shared bert'])
      expect(await found({ tool: 'up/other' })).toEqual(['long'])
      expect(await found({ tool: 'up' })).toHaveLength(5)
      expect(await found({ tool: 'elsewhere' })).toEqual([])
      expect(await found({ client: 'agent', tool: 'up/weather', fault: 'upstream_timeout' })).toEqual(['failed'])
      expect(await found({ fault: '*' })).toEqual(['failed'])
      expect(await found({ fault: 'rate_limited' })).toEqual([])
      expect(await found({ leastCostNano: 3_500_000_000 })).toEqual(['long'])
      expect(await found({ run: 'shared' })).toHaveLength(2)
      const pages: string[] = []
      let after: RunPlace | undefined
      do {
        const page = value(await runsBy(store, {}, { most: 2, after }))
        pages.push(...page.runs.map(({ run, subject }) => `${run} ${subject}`))
        after = page.next
      } while (after !== undefined)
      expect(pages).toEqual(runs.map(({ run, subject }) => `${run} ${subject}`))
    }
    await holds()
    // Those are added up where they stand, until they are indexed.
    const since = systemClock.now() + hour
    await did('shared', -2, { caller: by('anna'), item: 'late' })
    await did('new', -3, { outcome: 'fault', fault: { ...timeout, kind: 'rate_limited' } })
    const late = async (): Promise<void> => {
      expect(await found({ fromMs: since })).toEqual(['new', 'shared anna'])
      expect(await found({ tool: 'up/late' })).toEqual(['shared anna'])
      expect(await found({ tool: 'up/weather', principal: 'anna' })).toEqual(['shared anna'])
      expect(await found({ fault: 'rate_limited' })).toEqual(['new'])
      const { runs, next } = value(await runsBy(store, {}, { most: 2 }))
      expect(runs).toMatchObject([
        { run: 'new', calls: 1 },
        { run: 'shared', subject: 'anna', calls: 2, firstMs: now - 8 * hour, lastMs: now + 2 * hour, tools: ['up/late', 'up/weather'] },
      ])
      expect(value(await runsBy(store, {}, { most: 2, after: next })).runs).toMatchObject([{ run: 'long' }, { run: 'failed' }])
      expect(value(await costBy(store, ['run'], { run: 'shared' })).total).toMatchObject({ calls: 3 })
    }
    await late()
    await eventually(() => store.unindexed === 0)
    await late()
    expect(value(await verifyAudit(store, { verifier }))).toMatchObject({ verdict: 'whole' })
    await audit.end()
  })

  it('takes the same batch twice, and no other in its place', async () => {
    const store = await (await make()).open()
    const batch = (text: string) => ({
      ...{ chain: 'ab', first: 0, count: 1, atMs: 5, atMinMs: 5, prev: '00'.repeat(32) },
      lines: new TextEncoder().encode(text),
    })
    const kept = value(await store.append(batch('[1]')))
    expect(value(await store.append(batch('[1]'))).hash).toBe(kept.hash)
    expect(await store.append(batch('[2]'))).toMatchObject({ ok: false, fault: { kind: 'conflict' } })
    await store.close()
  })

  it('that several gateways write has a chain of each', async () => {
    const place = await make()
    const [one, two] = await Promise.all([started(place), started(place)])
    await Promise.all(Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? one : two).audit.settled(call(`call-${n}`))))
    await Promise.all([one.audit.end(), two.audit.end()])
    const store = await place.open()
    const verdict = value(await verifyAudit(store, { verifier, anchors: [...one.anchors, ...two.anchors] }))
    expect([verdict.verdict, verdict.broken, verdict.chains.length]).toEqual(['whole', [], 2])
    expect(value(await costBy(store, ['run'], {})).lines).toMatchObject([{ by: ['run-1'], calls: 40 }])
    await store.close()
  })

  it('lets old rows go up to a checkpoint, with what was made of them', async () => {
    const place = await make()
    let aged = 0
    const clock = { ...systemClock, now: () => systemClock.now() + aged, mono: () => systemClock.mono(), timer: systemClock.timer }
    const { store, audit } = await started(place, { clock, retentionMs: 60_000 })
    for (let n = 0; n < 30; n += 1) await audit.settled(call(`old-${n}`))
    await eventually(() => store.unindexed === 0)
    aged = 3_600_000
    await audit.settled(aRecord({ id: 'young', atMs: clock.now() }))
    audit.start()
    const left = async () => value(await auditRows(store, { about: 'call' }, { order: 'oldest', most: 100 })).rows.map(({ id }) => id)
    expect(await eventually(async () => (await left()).length === 1, 20_000)).toBe(true)
    expect(await left()).toEqual(['young'])
    await audit.end()
    const again = await place.open()
    expect(value(await verifyAudit(again, { verifier }))).toMatchObject({ verdict: 'whole', chains: [{ first: expect.any(Number) }] })
    expect(value(await costBy(again, [], {})).total).toMatchObject({ calls: 1 })
    expect(value(await runsBy(again, {}, { most: 50 })).runs).toMatchObject([{ run: 'run-1', calls: 1, firstMs: expect.any(Number) }])
    expect(value(await costBy(again, ['run'], {})).lines).toMatchObject([{ by: ['run-1'], calls: 1 }])
    await again.close()
  }, 30_000)
}
