import { describe, expect, it } from 'vitest'
import { countedRandom } from '../../../test/doubles/gateway/samples.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { aPrincipal } from '../../../test/doubles/principal.ts'
import { longestRunId, longestWhy, runKey } from '../../core/call/run.ts'
import { Runs } from './runs.ts'

const hour = 3_600_000

function setting() {
  const clock = new ManualClock()
  return { clock, runs: new Runs({ clock, random: countedRandom(), isSecret: (text) => text.includes('hunter2') }) }
}

const alice = aPrincipal({ sub: 'alice' })
const meta = (id: unknown) => ({ 'signalbox.dev/run': id })
const baggage = (text: string) => ({ baggage: text })
const headers = (change: { run?: string; turn?: string; baggage?: string }) => ({
  run: undefined,
  turn: undefined,
  baggage: undefined,
  ...change,
})

describe('what a client may not name its run by', () => {
  it('a value that must not get out is as if it were not said, again and again, and another one counts', () => {
    const { runs } = setting()
    for (let n = 0; n < 2; n += 1) {
      const run = runs.of(alice, undefined, { 'signalbox.dev/run': 'hunter2', 'signalbox.dev/turn': 't-hunter2' }, undefined)
      expect(run).toMatchObject({ source: 'made', turn: undefined })
      expect(run.id).not.toContain('hunter2')
    }
    expect(runs.of(alice, undefined, { 'signalbox.dev/run': 'r', 'signalbox.dev/turn': 't' }, undefined)).toMatchObject({
      id: 'r',
      source: 'meta',
      turn: 't',
    })
    expect(runs.of(alice, undefined, undefined, headers({ run: 'hunter2' })).source).toBe('made')
  })
})

describe('whose task a call is', () => {
  it.each([
    [
      'the claim of its token before all that the client states',
      { run: 'c' },
      's',
      { ...meta('m'), ...baggage('run.id=b') },
      headers({ run: 'h' }),
      'c',
      'claim',
    ],
    ['_meta before baggage', {}, 's', { ...meta('m'), ...baggage('run.id=b') }, headers({ run: 'h' }), 'm', 'meta'],
    [
      'baggage of _meta before that of the header',
      {},
      's',
      baggage('run.id=b'),
      headers({ baggage: 'run.id=x', run: 'h' }),
      'b',
      'baggage',
    ],
    ['the header of baggage before our own', {}, 's', {}, headers({ baggage: 'a=1, run.id = b%20c;p=1', run: 'h' }), 'b c', 'baggage'],
    ['baggage of the header where that of _meta has none', {}, 's', baggage('a=1'), headers({ baggage: 'run.id=x' }), 'x', 'baggage'],
    ['our header before the session', {}, 's', undefined, headers({ run: 'h' }), 'h', 'header'],
  ])('%s', (_what, change, session, said, head, id, source) => {
    expect(setting().runs.of(aPrincipal(change), session, said, head)).toMatchObject({ id, source })
  })

  it('the session before one that is made, and not by the id that its client has to show', () => {
    const { runs } = setting()
    const run = runs.of(alice, 'session-1', {}, undefined)
    expect(run.source).toBe('session')
    expect(run.id).not.toContain('session-1')
    expect(runs.of(alice, 'session-1', undefined, undefined)).toBe(run)
    expect(setting().runs.of(alice, 'session-1', undefined, undefined)).toEqual(run)
    expect(runs.of(alice, 'session-2', undefined, undefined).id).not.toBe(run.id)
  })

  it.each([
    ['empty', ''],
    ['too long', 'r'.repeat(longestRunId + 1)],
    ['of two lines', 'a\nb'],
    ['turning the line round', 'a\u202eb'],
    ['half of a pair', 'a\ud800'],
    ['no text', 7],
    ['an object', { toString: 1 }],
  ])('an id that is %s is as if it were not there', (_what, id) => {
    const { runs } = setting()
    expect(runs.of(alice, undefined, meta(id), undefined).source).toBe('made')
    expect(runs.of(alice, undefined, meta(id), headers({ run: 'h' })).id).toBe('h')
  })

  it('what is no baggage is as if it were not there', () => {
    const { runs } = setting()
    for (const text of ['run.id', 'run.id=', 'run.id=%', '=run.id', 'x.run.id=1', `run.id=a,${'x'.repeat(9_000)}`, ',,;;==']) {
      expect(runs.of(alice, undefined, baggage(text), undefined).source, text).toBe('made')
    }
    expect(runs.of(alice, undefined, { baggage: ['run.id=a'] }, undefined).source).toBe('made')
  })

  it('turn and reason stand beside it, wherever the run is from', () => {
    const { runs } = setting()
    const stated = { ...meta('m'), 'signalbox.dev/turn': 't', 'signalbox.dev/why': 'to see' }
    expect(runs.of(alice, undefined, stated, undefined)).toMatchObject({ id: 'm', turn: 't', why: 'to see' })
    const made = runs.of(alice, undefined, {}, headers({ turn: 't2' }))
    expect(made).toMatchObject({ source: 'made', turn: 't2', why: undefined })
    expect(runs.of(alice, undefined, baggage('turn.id=t3,run.id=b'), headers({ turn: 'x' }))).toMatchObject({ id: 'b', turn: 't3' })
    expect(runs.of(alice, undefined, undefined, undefined)).toMatchObject({ id: made.id, turn: undefined })
    expect(runs.of(aPrincipal({ run: 'c' }), undefined, stated, undefined)).toMatchObject({ id: 'c', turn: 't', why: 'to see' })
  })

  it('a reason is cut, and not in the middle of a character', () => {
    const { runs } = setting()
    const why = (text: string) => runs.of(alice, undefined, { 'signalbox.dev/why': text }, undefined).why
    expect(why('y'.repeat(2_000))).toBe('y'.repeat(longestWhy))
    expect(why(`${'y'.repeat(longestWhy - 1)}😀`)).toBe('y'.repeat(longestWhy - 1))
    expect(why('')).toBeUndefined()
  })

  it('the team is that of the token, whatever the run is from', () => {
    const { runs } = setting()
    const blue = aPrincipal({ team: 'blue' })
    expect(runs.of(blue, undefined, undefined, undefined)).toMatchObject({ source: 'made', team: 'blue' })
    expect(runs.of(blue, 's', undefined, undefined).team).toBe('blue')
    expect(runs.of(blue, undefined, meta('m'), undefined).team).toBe('blue')
    expect(runs.of(aPrincipal({ team: 'red' }), 's', undefined, undefined).team).toBe('red')
    expect(runs.of(aPrincipal({ team: 'red' }), undefined, undefined, undefined).team).toBe('red')
    expect(runs.of(alice, undefined, { 'signalbox.dev/team': 'x' }, undefined).team).toBeUndefined()
  })
})

describe('a run that is made', () => {
  it('is one object for a principal until an hour has passed without a call of it', async () => {
    const { runs, clock } = setting()
    const call = () => runs.of(alice, undefined, {}, undefined)
    const first = call()
    for (let i = 0; i < 5; i += 1) {
      await clock.advance(hour - 1)
      expect(runs.of(aPrincipal({ sub: 'alice', credential: `token-${i}` }), undefined, undefined, undefined)).toBe(first)
    }
    await clock.advance(hour)
    expect(call().id).not.toBe(first.id)
    expect(call()).toBe(call())
  })

  it('is another one for another principal', () => {
    const { runs } = setting()
    const ids = [alice, aPrincipal({ sub: 'bob' }), aPrincipal({ sub: 'alice', tenant: 'acme' })].map(
      (principal) => runs.of(principal, undefined, undefined, undefined).id,
    )
    expect(new Set(ids).size).toBe(3)
  })

  it('keeps a bounded memory: of a hundred thousand principals and runs the most recent alone', () => {
    const { runs } = setting()
    const first = runs.of(alice, undefined, undefined, undefined)
    for (let i = 0; i < 100_000; i += 1) runs.of(alice, `session ${i}`, meta(`run ${i}`), undefined)
    expect(runs.of(alice, undefined, undefined, undefined)).toBe(first)
    for (let i = 0; i < 100_000; i += 1) runs.of(aPrincipal({ sub: `p${i}` }), `session ${i}`, undefined, undefined)
    for (let i = 0; i < 20_000; i += 1) runs.of(aPrincipal({ sub: `p${i}` }), undefined, undefined, undefined)
    expect(runs.kept).toBe(20_000)
  })
})

it('one id of two principals is two runs', () => {
  const { runs } = setting()
  const key = (sub: string) => {
    const principal = aPrincipal({ sub })
    return runKey(principal, runs.of(principal, undefined, meta('same'), undefined))
  }
  expect(key('alice')).not.toBe(key('bob'))
  expect(key('alice')).toBe(key('alice'))
})
