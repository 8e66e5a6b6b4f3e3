// How long a call may take, hop by hop, and what an agent is given where it failed: an older answer, or words for its user.
import { afterEach, describe, expect } from 'vitest'
import { type Config, startUnderTest, type UnderTest } from '../peers/gateway.ts'
import { metric, modern, upstreamsOf } from '../peers/raw.ts'
import { type CallArrived, plainTool, type Scripted, startScripted, textResult } from '../peers/scripted.ts'
import { promise } from './promise.ts'

const tools = [plainTool('write'), plainTool('read', { annotations: { readOnlyHint: true } })]
const open: (() => Promise<void>)[] = []
let upstream: Scripted

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

async function server(era: 'legacy' | 'modern', call: (arrived: CallArrived, nth: number) => void): Promise<void> {
  let nth = 0
  upstream = await startScripted({
    era,
    tools,
    call: (arrived) => {
      nth += 1
      call(arrived, nth)
    },
  })
  open.push(upstream.close)
}

async function gateway(config: Config): Promise<UnderTest> {
  const started = await startUnderTest(config)
  open.push(started.stop)
  return started
}

async function call({ base }: UnderTest, name: string, meta: Record<string, unknown> = {}) {
  const { message } = await modern(base, 'tools/call', { name, arguments: {}, _meta: meta }, { mount: '/up' })
  const { result } = message
  return { text: String(result?.content[0].text), meta: result?._meta, fault: result?._meta?.['signalbox.dev/fault'] }
}

const deadlineIn = (params: unknown): number => (params as { _meta: Record<string, number> })._meta['signalbox.dev/deadline_ms'] ?? 0

describe.each(['modern', 'legacy'] as const)('a server (%s)', (era) => {
  promise(
    ['R47', 'R77'],
    'is told how long anybody waits, less with each gateway in between, and never more than the client states',
    async () => {
      const told: number[] = []
      await server(era, ({ params, answer }) => {
        told.push(deadlineIn(params))
        answer(textResult('done'))
      })
      const near = await gateway({ servers: { up: { url: upstream.url } }, timeouts: { call: 40_000 } })
      const far = await gateway({ servers: { up: { url: `${near.base}/mcp/up` } }, timeouts: { call: 30_000 } })
      await call(near, 'read')
      await call(far, 'read')
      await call(far, 'read', { 'signalbox.dev/deadline_ms': 10_000 })
      const [one = 0, two = 0, stated = 0] = told
      expect(one).toBeLessThanOrEqual(39_900)
      expect(one).toBeGreaterThan(30_000)
      expect(two).toBeLessThanOrEqual(29_800)
      expect(two).toBeGreaterThan(10_000)
      expect(stated).toBeLessThanOrEqual(9_800)
      expect(stated).toBeGreaterThan(0)
    },
  )

  promise(
    ['R47', 'R99'],
    'that is slower than its client waits is no failure of it: the client is told, and no circuit opens',
    async () => {
      await server(era, () => undefined)
      const started = await gateway({ servers: { up: { url: upstream.url } }, limits: { breakerFailures: 1 } })
      for (let n = 0; n < 2; n += 1) {
        const { fault } = await call(started, 'write', { 'signalbox.dev/deadline_ms': 60 })
        expect(fault).toMatchObject({ kind: 'upstream_timeout', detail: { layer: 'deadline that the caller stated' } })
      }
      expect(await upstreamsOf(started.admin)).not.toMatchObject([{ itemCircuits: expect.anything() }])
    },
  )

  promise('R47', 'has a tool with a time limit of its own', async () => {
    await server(era, ({ name, answer }) => void (name === 'write' && answer(textResult('done'))))
    const started = await gateway({ servers: { up: { url: upstream.url } }, tools: { 'up/read': { timeout: '80ms' } } })
    expect((await call(started, 'read')).fault).toMatchObject({
      kind: 'upstream_timeout',
      detail: { layer: 'call deadline of the gateway' },
    })
    expect((await call(started, 'write')).text).toBe('done')
  })

  promise(['R100'], 'that fails has words for the user of the agent, where configuration has them', async () => {
    await server(era, ({ res }) => void res.destroy())
    const tellUser = 'Billing is not answering; ask again tomorrow.'
    const started = await gateway({ servers: { up: { url: upstream.url } }, tools: { 'up/wri*': { tellUser } } })
    const { text, fault } = await call(started, 'write')
    expect(fault).toMatchObject({ kind: 'outcome_unknown', tell_user: tellUser, side_effect: 'unknown' })
    expect(text).toContain('may or may not have been executed')
    expect(text).toContain(`Tell the user: ${tellUser}`)
    expect((await call(started, 'read')).fault.tell_user).not.toBe(tellUser)
  })

  promise(['R100'], 'that fails has its last good answer, of what only reads, for whom it was, marked', async () => {
    await server(era, ({ res, answer }, nth) => {
      if (nth <= 2) answer(textResult(`answer ${nth}`))
      else res.destroy()
    })
    const started = await gateway({ servers: { up: { url: upstream.url } }, tools: { 'up/*': { staleFor: '10m' } } })
    expect((await call(started, 'write')).text).toBe('answer 1')
    expect((await call(started, 'read')).text).toBe('answer 2')
    const { text, meta, fault } = await call(started, 'read')
    expect(text).toBe('answer 2')
    expect(fault).toBeUndefined()
    expect(meta['signalbox.dev/stale']).toMatchObject({ age_ms: expect.any(Number), fault: 'upstream_unavailable' })
    expect((await call(started, 'write')).fault).toMatchObject({ kind: 'outcome_unknown' })
    expect((await metric(started.admin, 'signalbox_stale_answers_total')).get('upstream="up"')).toBe(1)
  })

  promise(
    'R79',
    'that fails after a caller changed something is answered for by nothing older; others are told how old it is',
    async () => {
      let fails = false
      const proof = 'of the gateway in front, 32 characters'
      await server(era, ({ name, res, answer }, nth) => {
        if (name === 'read' && fails) res.destroy()
        else answer(textResult(`answer ${nth}`))
      })
      const started = await gateway({
        servers: { up: { url: upstream.url } },
        tools: { 'up/*': { staleFor: '10m' } },
        limits: { breakerFailures: 100 },
        auth: { callers: ['trustedHeader'], trustedHeader: { subject: 'X-User', proof: { from: ['127.0.0.1'], sharedSecret: proof } } },
      })
      const as = async (user: string, name: string) => {
        const asking = { mount: '/up', headers: { 'x-user': user, 'signalbox-proof': proof } }
        const { result } = (await modern(started.base, 'tools/call', { name, arguments: {} }, asking)).message
        return { texts: result.content.map(({ text }: { text: string }) => text), meta: result._meta }
      }
      for (const user of ['ann', 'ben', 'ann']) await as(user, 'read')
      await as('ann', 'write')
      fails = true
      const ann = await as('ann', 'read')
      expect(ann.meta['signalbox.dev/stale']).toBeUndefined()
      expect(ann.meta['signalbox.dev/fault']).toMatchObject({ kind: 'upstream_unavailable' })
      const ben = await as('ben', 'read')
      expect(ben.texts).toEqual(['answer 2', expect.stringMatching(/^stale: this answer is from .+ ago\./)])
      expect(ben.meta['signalbox.dev/stale']).toMatchObject({ age_ms: expect.any(Number), source: 'up' })
      // Nobody is given what another was told.
      expect((await as('eve', 'read')).meta['signalbox.dev/fault']).toMatchObject({ kind: 'upstream_unavailable' })
      // What ann is told anew may be told again.
      fails = false
      await as('ann', 'read')
      fails = true
      expect((await as('ann', 'read')).meta['signalbox.dev/stale']).toMatchObject({ source: 'up' })
    },
  )
})
