import { describe, expect, it } from 'vitest'
import { aCall, anItem, done } from '../../../test/doubles/gateway/samples.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import type { RoutedCall } from '../../core/call/call.ts'
import type { ItemKind } from '../../core/call/item.ts'
import { failed, type Outcome } from '../../core/call/outcome.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { evidence } from '../../core/faults/evidence.ts'
import { Circuits, mostItems } from './circuits.ts'

const timeout = failed(fault('upstream_timeout', { upstream: 'up' }, { evidence: evidence.deadline }))
const away = failed(fault('upstream_unavailable', { upstream: 'up' }, { evidence: evidence.connection_refused }))
const limited = failed(fault('upstream_busy', { upstream: 'up' }, { evidence: evidence.too_many_requests }))

function rig(failures = 3) {
  const clock = new ManualClock()
  const changes: string[] = []
  const circuits = new Circuits(clock, { failures, openMs: 1_000 }, (state, item) => changes.push(`${item ?? 'upstream'} ${state}`))
  const callOf = (name: string, kind: ItemKind = 'tool'): RoutedCall => ({ ...aCall(), upstream: 'up', item: anItem({ name, kind }) })
  const enter = (name: string, kind?: ItemKind) => circuits.enter(callOf(name, kind))
  /** Who refuses it; undefined where it went. */
  const call = (name: string, outcome: Outcome | undefined, kind?: ItemKind): string | undefined => {
    const entry = enter(name, kind)
    if (!('leave' in entry)) return entry.item?.name ?? 'upstream'
    entry.leave(outcome, callOf(name, kind))
    return undefined
  }
  return { clock, circuits, changes, enter, call, callOf }
}

describe('a tool that fails in a row', () => {
  it('is left alone, and the others of its server go on', () => {
    const { circuits, call, changes } = rig()
    for (let i = 0; i < 3; i += 1) expect(call('slow', timeout)).toBeUndefined()
    expect(call('slow', timeout)).toBe('slow')
    for (let i = 0; i < 10; i += 1) expect(call('fast', done())).toBeUndefined()
    expect(circuits.state).toBe('closed')
    expect(circuits.items()).toEqual([{ kind: 'tool', item: 'slow', circuit: 'open' }])
    expect(changes).toEqual(['slow open'])
  })

  it('is left alone although others succeed all the time', () => {
    const { circuits, call } = rig()
    for (let i = 0; i < 3; i += 1) {
      call('slow', timeout)
      call('fast', done())
    }
    expect(call('slow', timeout)).toBe('slow')
    expect(circuits.state).toBe('closed')
  })

  it('gets one trial, which closes or opens it anew', async () => {
    const { clock, circuits, call, enter, callOf, changes } = rig()
    for (let i = 0; i < 3; i += 1) call('slow', timeout)
    await clock.advance(1_000)
    expect(circuits.items()).toEqual([{ kind: 'tool', item: 'slow', circuit: 'half-open' }])
    const trial = enter('slow')
    expect(call('slow', done())).toBe('slow')
    if ('leave' in trial) trial.leave(timeout, callOf('slow'))
    expect(enter('slow')).toMatchObject({ item: { name: 'slow' }, retryAfterMs: 1_000 })
    await clock.advance(1_000)
    expect(call('slow', done())).toBeUndefined()
    expect(circuits.items()).toEqual([])
    expect(changes).toEqual(['slow open', 'slow half-open', 'slow open', 'slow half-open', 'slow closed'])
  })

  it('gives its trial to the next call where a bug of ours ended it', async () => {
    const { clock, call } = rig()
    for (let i = 0; i < 3; i += 1) call('slow', timeout)
    await clock.advance(1_000)
    expect(call('slow', undefined)).toBeUndefined()
    expect(call('slow', done())).toBeUndefined()
  })

  it('forgets its failures when it succeeds, and is not meant by what says nothing of it', () => {
    const { call, circuits } = rig()
    for (const outcome of [timeout, timeout, done(), timeout, limited, timeout]) expect(call('tool', outcome)).toBeUndefined()
    expect(circuits.items()).toEqual([])
  })

  it('is not the prompt of the same name', () => {
    const { call } = rig()
    for (let i = 0; i < 3; i += 1) call('same', timeout)
    expect(call('same', done(), 'prompt')).toBeUndefined()
  })
})

describe('a server that fails', () => {
  it('is left alone where no connection is had, whichever tool is called', () => {
    const { call, circuits } = rig()
    for (let i = 0; i < 3; i += 1) call('one', away)
    expect(call('two', done())).toBe('upstream')
    expect(circuits.items()).toEqual([])
  })

  it('is left alone where several tools fail in a row', () => {
    const { call, changes } = rig()
    for (const tool of ['one', 'two', 'three']) call(tool, timeout)
    expect(call('four', done())).toBe('upstream')
    expect(changes).toEqual(['upstream open'])
  })

  it('is not suspected for one tool that fails again and again: that counts once', async () => {
    const { clock, call, circuits } = rig()
    for (let round = 0; round < 10; round += 1) {
      for (let i = 0; i < 3; i += 1) call('slow', timeout)
      await clock.advance(1_000)
    }
    call('fast', timeout)
    expect(circuits.state).toBe('closed')
    call('fast', timeout)
    expect(circuits.state).toBe('open')
  })

  it('closes by a tool that works, also where the trial of a broken one came first', async () => {
    const { clock, call, circuits } = rig()
    for (let i = 0; i < 3; i += 1) call('slow', timeout)
    for (let i = 0; i < 3; i += 1) call('fast', away)
    expect(circuits.state).toBe('open')
    await clock.advance(1_000)
    // Both are tried by it. It says nothing of the others.
    expect(call('slow', timeout)).toBeUndefined()
    expect(call('slow', timeout)).toBe('slow')
    expect(call('fast', done())).toBeUndefined()
    expect(circuits.state).toBe('closed')
  })
})

it('keeps a bounded number of items, and forgets those that failed long ago', async () => {
  const { clock, call, circuits } = rig(1)
  for (let i = 0; i < mostItems * 2; i += 1) {
    call(`tool-${i}`, timeout)
    await clock.advance(0)
    call('good', done())
  }
  await clock.advance(1_000)
  call('good', done())
  expect(circuits.items().length).toBeLessThanOrEqual(mostItems)
  await clock.advance(700_000)
  expect(circuits.items()).toEqual([])
})
