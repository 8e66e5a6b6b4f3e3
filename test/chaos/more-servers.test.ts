// Rows that need servers of their own: names that do not resolve, TLS, the old SSE transport, names that collide, lists that storm, and
// one tool that takes all of its server.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { l7Faults as faults } from '../../src/operate/toolkit/chaos/index.ts'
import { eventually } from '../peers/processes.ts'
import { type L7Era, type L7Server, standardTools, startL7Server } from './l7-server.ts'
import { faultOf, type RawAnswer, RawClient, textOf } from './raw-client.ts'
import { type Rig, startRig } from './rig.ts'
import { cellOf, shown, tell } from './table.ts'
import { type Authority, hasOpenssl, makeAuthority, startTlsFront, type TlsFront } from './tls-front.ts'

const eras = ['modern', 'legacy'] as const
const l7 = {} as Record<'plain' | 'twin' | 'cut' | 'mute' | 'foreign' | 'future' | 'odd' | 'busy', L7Server>
let authority: Authority | undefined
let front: TlsFront | undefined
let rig: Rig

beforeAll(async () => {
  const kinds: Record<keyof typeof l7, L7Era> = {
    plain: 'legacy',
    twin: 'modern',
    cut: 'sse',
    mute: 'sse',
    foreign: 'sse',
    future: 'modern',
    odd: 'modern',
    busy: 'modern',
  }
  for (const [name, era] of Object.entries(kinds)) l7[name as keyof typeof l7] = await startL7Server(era)
  l7.mute.endpoint = ''
  l7.foreign.endpoint = 'http://127.0.0.2:1/message'
  l7.future.revisions = ['2099-01-01']
  l7.odd.tools = [
    ...standardTools,
    { name: 'bad', inputSchema: { type: 'object', properties: { a: { $ref: 'https://example.com/s.json' } } } },
  ]
  if (hasOpenssl()) {
    authority = makeAuthority()
    front = await startTlsFront(l7.twin.port, authority.good)
  }
  const at = (server: L7Server, more: object = {}) => ({ url: server.url, ...more })
  rig = await startRig(
    {
      servers: {
        plain: at(l7.plain),
        twin: at(l7.twin),
        cut: at(l7.cut, { transport: 'sse' }),
        mute: at(l7.mute, { transport: 'sse', timeouts: { start: 700 } }),
        foreign: at(l7.foreign, { transport: 'sse' }),
        future: at(l7.future),
        odd: at(l7.odd),
        busy: at(l7.busy, { concurrency: 2, timeouts: { call: 4_000 } }),
        // A label of 70 characters cannot be a host name, so that no resolver is asked.
        nowhere: { url: `http://${'x'.repeat(70)}.invalid/mcp` },
        ...(front === undefined ? {} : { tls: { url: `https://127.0.0.1:${front.port}/mcp` } }),
      },
      limits: { queue: 2, breakerFailures: 100, breakerOpenMs: 300 },
    },
    authority === undefined ? {} : { NODE_EXTRA_CA_CERTS: authority.file },
  )
  await rig.serves('plain', 'twin', 'cut', 'odd', 'busy', ...(front === undefined ? [] : ['tls']))
  await rig.begin()
}, 40_000)

afterAll(async () => {
  await rig.end()
  await front?.stop()
  authority?.remove()
  for (const server of Object.values(l7)) await server.stop()
}, 20_000)

const client = (era: (typeof eras)[number], mount = ''): Promise<RawClient> => new RawClient(era, `${rig.base}/mcp${mount}`).connect()

async function stateOf(name: string): Promise<{ state: string; reason: string }> {
  const found = (await rig.gateway.upstreams()).find((upstream) => upstream.name === name)
  return { state: found?.state ?? '', reason: found?.reason ?? '' }
}

/** Resolves to how long it took until a call was good again. */
async function works(mount: string): Promise<number> {
  const begun = performance.now()
  let last: RawAnswer | undefined
  const fine = await eventually(async () => {
    last = await (await client('modern', mount)).call('write', { tag: 'back' })
    return textOf(last) === 'back'
  }, 8_000)
  expect(fine, last?.text).toBe(true)
  return performance.now() - begun
}

describe('a server that cannot be had is named with the reason, and hides nobody', () => {
  test.each([
    ['T02 a name that does not resolve', 'nowhere', /not resolved/],
    ['T32 SSE without an endpoint event', 'mute', /endpoint/],
    ['T32 SSE with an endpoint elsewhere', 'foreign', /endpoint|origin/],
    ['C08 a revision that nobody knows', 'future', /2099-01-01/],
  ] as const)('%s', async (row, name, reason) => {
    const found = await stateOf(name)
    expect(found.state).not.toBe('ready')
    expect(found.reason).toMatch(reason)
    for (const era of eras) {
      const answer = await (await client(era)).call(`${name}__write`, { tag: 'x' })
      expect(answer.answers).toHaveLength(1)
      expect(answer.text).toContain(name)
      const kind = faultOf(answer)?.kind ?? ''
      const told = { answers: answer.answers.length, kind, category: faultOf(answer)?.category ?? '' }
      shown(row.slice(0, 3), row.slice(4), `${era} → -`, told)
    }
    expect(l7.foreign.count('initialize')).toBe(0)
    await rig.neighbourIsFine()
  })
})

describe('T32 SSE', () => {
  test('a stream cut between the post and the reply: the outcome is unknown, and the next call works', async () => {
    l7.cut.script('cut', ({ res, proxy }) => {
      res.writeHead(202).end()
      proxy.cutStreams()
    })
    for (const era of eras) {
      const answer = await (await client(era, '/cut')).call('write', { tag: 'cut' })
      expect(answer.answers).toHaveLength(1)
      expect(faultOf(answer), answer.text).toMatchObject({ kind: 'outcome_unknown', side_effect: 'unknown' })
      const recoveryMs = await works('/cut')
      const met = { id: 'T32', fault: 'SSE cut between the post and the reply', era: `${era} → 2024-11-05`, answer, text: '' }
      tell(cellOf({ ...met, executions: l7.cut.effectsOf('cut') / (eras.indexOf(era) + 1), wanted: 'outcome_unknown', recoveryMs }))
    }
    expect(l7.cut.effectsOf('cut')).toBe(2)
    await rig.neighbourIsFine()
  })
})

describe.runIf(hasOpenssl())('T31 TLS', () => {
  test('each bad certificate is refused by its reason, nothing is sent, and a good one heals it', async () => {
    await works('/tls')
    for (const [bad, reason] of [
      ['selfSigned', /TLS|SELF_SIGNED/],
      ['foreign', /TLS|UNABLE/],
      ['wrongHost', /TLS|ALTNAME/],
    ] as const) {
      if (authority === undefined || front === undefined) return
      await front.present(authority[bad])
      const answer = await (await client('modern', '/tls')).call('write', { tag: bad })
      expect(faultOf(answer), answer.text).toMatchObject({ kind: 'upstream_unavailable', category: 'transport', side_effect: 'none' })
      expect(answer.text).toMatch(reason)
      expect(l7.twin.effectsOf(bad)).toBe(0)
      await front.present(authority.good)
      const recoveryMs = await works('/tls')
      const met = { id: 'T31', fault: `TLS: ${bad}`, era: 'modern → modern', answer, text: '', executions: l7.twin.effectsOf(bad) }
      tell(cellOf({ ...met, allowed: 0, wanted: 'upstream_unavailable', recoveryMs }))
    }
    await rig.neighbourIsFine()
  }, 20_000)
})

describe('names', () => {
  test('L04 a bare name of two servers is refused with the candidates', async () => {
    for (const era of eras) {
      const answer = await (await client(era)).call('write', { tag: 'bare' })
      expect(answer.answers).toHaveLength(1)
      expect(answer.text).toMatch(/plain__write/)
      expect(answer.text).toMatch(/twin__write/)
      shown('L04', 'a bare name of two servers', `${era} → both`, { answers: answer.answers.length })
    }
    expect(l7.plain.effectsOf('bare') + l7.twin.effectsOf('bare')).toBe(0)
  })

  test('L05 a tool whose schema cannot be enforced is served, its arguments are left to the server, and it is named', async () => {
    for (const era of eras) {
      const list = await (await client(era, '/odd')).ask('tools/list', {})
      expect(list.answers[0].result.tools.map((tool: { name: string }) => tool.name)).toEqual(['read', 'write', 'bad'])
      shown('L05', 'one schema among others that cannot be enforced', `${era} → modern`, { answers: list.answers.length })
    }
    expect(JSON.stringify(await rig.gateway.upstreams())).toContain('bad')
  })

  test('L09 a tool that goes in a storm of 1,000 changes: lists are read a few times only, and the tool is gone', async () => {
    const before = l7.plain.count('tools/list')
    l7.plain.tools = standardTools.filter((tool) => tool.name !== 'read')
    for (let n = 0; n < 1_000; n += 1) l7.plain.announce('notifications/tools/list_changed')
    const legacy = await client('legacy', '/plain')
    expect(
      await eventually(async () => {
        const answer = await legacy.call('read', { tag: 'gone' })
        return answer.answers[0]?.error?.code === -32602
      }, 6_000),
    ).toBe(true)
    expect(l7.plain.count('tools/list') - before).toBeLessThan(12)
    await works('/plain')
    await rig.neighbourIsFine()
  })
})

describe('X07 one tool that takes all of its server', () => {
  test('more calls wait in a bounded queue, the rest are refused at once, and nobody else notices', async () => {
    let letGo: () => void = () => undefined
    const until = new Promise<void>((resolve) => {
      letGo = resolve
    })
    l7.busy.script('busy', faults.held(until))
    const modern = await client('modern', '/busy')
    const calls = Array.from({ length: 10 }, () => modern.call('write', { tag: 'busy' }))
    const refused = (
      await Promise.all(calls.map((call) => Promise.race([call, rig.neighbourIsFine().then(() => rig.neighbourIsFine())])))
    ).filter((answer): answer is RawAnswer => answer !== undefined)
    for (const answer of refused) {
      expect(faultOf(answer)).toMatchObject({ kind: 'overloaded', category: 'transport', retryable: true, side_effect: 'none' })
    }
    await works('/twin')
    letGo()
    const answers = await Promise.all(calls)
    expect(answers.every((answer) => answer.answers.length === 1)).toBe(true)
    expect(answers.filter((answer) => textOf(answer) === 'busy')).toHaveLength(4)
    expect(l7.busy.effectsOf('busy')).toBe(4)
    expect((await rig.evidence()).sum('signalbox_calls_refused_total', { upstream: 'busy' })).toBe(6)
  })

  test('as many calls as there are places, and as may wait, are all answered', async () => {
    const refused = (await rig.evidence()).sum('signalbox_calls_refused_total', { upstream: 'busy' })
    const modern = await client('modern', '/busy')
    for (let round = 0; round < 3; round += 1) {
      const tags = Array.from({ length: 4 }, (_, n) => `fine-${round}-${n}`)
      const answers = await Promise.all(tags.map((tag) => modern.call('write', { tag })))
      expect(answers.map(textOf)).toEqual(tags)
      for (const tag of tags) expect(l7.busy.effectsOf(tag)).toBe(1)
    }
    expect((await rig.evidence()).sum('signalbox_calls_refused_total', { upstream: 'busy' })).toBe(refused)
  })
})
