import { describe, expect, it } from 'vitest'
import type { Condition } from './condition.ts'
import { Incidents, times } from './incidents.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
/** As docs/alerts.md says it of one server. */
const mostInADay = 17
const start = 1_800_000_000_000

const down = (server: string): Condition => ({ kind: 'upstream_unavailable', server, text: `${server} cannot be reached` })
const empty = (server: string, tool: string, more: Partial<Condition> = {}): Condition => ({
  kind: 'empty',
  server,
  tool,
  text: '4 of 4 answers empty',
  ...more,
})

/** Looks every 15 seconds at what `stands` gives, and tells what was told and when. */
function simulate(untilMs: number, stands: (sinceStart: number) => readonly Condition[], incidents = made()) {
  const told: { at: number; what: string; id: string }[] = []
  const seen = new Map<string, number>()
  for (let at = 0; at <= untilMs; at += 15_000) {
    incidents.take(stands(at), start + at)
    for (const { id, notice } of incidents.all()) {
      if (notice === undefined || seen.get(id) === notice.sequence) continue
      seen.set(id, notice.sequence)
      told.push({ at, what: notice.what, id })
    }
  }
  return { incidents, told, whats: told.map(({ what }) => what) }
}

function made(): Incidents {
  return new Incidents({ ownerOf: () => 'team', configuration: 'abc', dropped: () => undefined })
}

describe('incidents', () => {
  it('tell nothing where nothing stands', () => {
    expect(simulate(2 * day, () => []).told).toEqual([])
  })

  it('tell an outage of an hour once, and once that it is over', () => {
    const { told, whats } = simulate(day, (at) => (at >= hour && at < 2 * hour ? [down('up')] : []))
    expect(whats).toEqual(['opened', 'resolved'])
    // A minute until it counts; what happens meanwhile is in the message.
    expect(told[0]?.at).toBe(hour + minute)
    expect(told[1]?.at).toBe(2 * hour + 10 * minute)
  })

  it('tell nothing of what is gone before it counts', () => {
    expect(simulate(day, (at) => (at % hour < 45_000 ? [down('up')] : [])).told).toEqual([])
  })

  it('take what happens at one server at once for one', () => {
    const tools = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j']
    const { told, incidents } = simulate(2 * hour, (at) =>
      at < minute ? [] : [down('up'), ...tools.map((tool) => ({ kind: 'tool_circuit_open' as const, server: 'up', tool, text: tool }))],
    )
    expect(told.map(({ what }) => what)).toEqual(['opened'])
    expect(incidents.all()).toHaveLength(1)
    expect(incidents.all()[0]?.members.size).toBe(11)
  })

  it('take what follows an outage at its server for part of it, however late', () => {
    const { whats } = simulate(12 * hour, (at) => [down('up'), ...(at > 5 * hour ? [empty('up', 'a')] : [])])
    expect(whats).toEqual(['opened'])
  })

  it('tell a deploy that breaks three tools once, though they are called hours apart', () => {
    const deploy = { what: 'version 2.0.0', atMs: start }
    const { whats } = simulate(12 * hour, (at) =>
      ['a', 'b', 'c'].filter((_, n) => at > (1 + 3 * n) * hour).map((tool) => empty('up', tool, { deploy })),
    )
    expect(whats).toEqual(['opened'])
  })

  it('tell two tools of a server that fail hours apart, for no reason in common, apart', () => {
    const { whats } = simulate(12 * hour, (at) => ['a', 'b'].filter((_, n) => at > (1 + 5 * n) * hour).map((tool) => empty('up', tool)))
    expect(whats).toEqual(['opened', 'opened'])
  })

  it('tell once more where it gets worse', () => {
    const { whats } = simulate(3 * hour, (at) => [empty('up', 'a'), ...(at > 30 * minute ? [down('up')] : [])])
    expect(whats).toEqual(['opened', 'worse'])
  })

  it('call nobody for what is for those who look, and let it keep nothing open', () => {
    const info = empty('up', 'a', { kind: 'rows', severity: 'info' })
    expect(simulate(3 * day, () => [info]).told).toEqual([])
    const { whats } = simulate(3 * hour, (at) => [info, ...(at < hour ? [empty('up', 'b')] : [])])
    expect(whats).toEqual(['opened', 'resolved'])
  })

  it('are the same one where they come back within a day, and another later', () => {
    const { told } = simulate(4 * day, (at) =>
      at < hour || (at > 10 * hour && at < 11 * hour) || (at > 3 * day && at < 3 * day + hour) ? [down('up')] : [],
    )
    expect(told.map(({ what }) => what)).toEqual(['opened', 'resolved', 'reopened', 'resolved', 'opened', 'resolved'])
    expect(new Set(told.slice(0, 4).map(({ id }) => id)).size).toBe(1)
    expect(new Set(told.map(({ id }) => id)).size).toBe(2)
  })

  it.each([5, 12, 20, 45, 90, 170])('tell a server that is up and down every %i minutes for a day at most 17 times', (minutes) => {
    const { told, incidents } = simulate(day, (at) => (Math.floor(at / (minutes * minute)) % 2 === 0 ? [down('up')] : []))
    expect(told.length).toBeLessThanOrEqual(mostInADay)
    expect(incidents.all()).toHaveLength(1)
  })

  it('tell one that is up just long enough each time at most 17 times in a day', () => {
    let count = 0
    const { told, incidents } = simulate(
      day,
      () => {
        const [one] = incidentsNow.all()
        if (one?.resolvedMs !== undefined) {
          count += 1
        }
        // Down until it is told, then up until that is told.
        if (one === undefined || one.resolvedMs !== undefined || one.toldReopened < one.reopened || one.notice === undefined)
          return [down('up')]
        return []
      },
      (() => incidentsNow)(),
    )
    expect(count).toBeGreaterThan(3)
    expect(told.length).toBeLessThanOrEqual(mostInADay)
    expect(incidents.all()).toHaveLength(1)
  })

  it('remind once a day of what nobody has said to know', () => {
    const said = simulate(3 * day, () => [empty('up', 'a', { acknowledged: 'fault' })])
    expect(said.whats).toEqual(['opened'])
    expect(simulate(3 * day, () => [empty('up', 'a')]).whats).toEqual(['opened', 'reminder', 'reminder'])
  })

  it('are silent while a silence stands, and told where they stand longer', () => {
    const incidents = made()
    incidents.silences.add({ id: '1', selector: 'up/a', reason: 'known', by: 'me', fromMs: start, untilMs: start + 2 * hour })
    const { told } = simulate(3 * hour, (at) => (at < 2.5 * hour ? [empty('up', 'a')] : []), incidents)
    expect(told.map(({ what, at }) => [what, at])).toEqual([
      ['opened', 2 * hour],
      ['resolved', 2.5 * hour],
    ])
    const over = made()
    over.silences.add({ id: '1', selector: 'up', reason: 'known', by: 'me', fromMs: start, untilMs: start + 2 * hour })
    expect(simulate(3 * hour, (at) => (at < hour ? [empty('up', 'a'), down('up')] : []), over).told).toEqual([])
  })

  it('are bounded', () => {
    let dropped = 0
    const incidents = new Incidents({ ownerOf: () => undefined, configuration: undefined, dropped: () => (dropped += 1) })
    const many = Array.from({ length: 600 }, (_, n) => empty(`s${n}`, 'a'))
    incidents.take(many, start)
    expect([...incidents.openOnes()]).toHaveLength(500)
    expect(dropped).toBe(100)
    const one = made()
    one.take(
      Array.from({ length: 80 }, (_, n) => empty('up', `t${n}`)),
      start,
    )
    expect(one.all()).toMatchObject([{ beyond: 30 }])
    expect(one.all()[0]?.members.size).toBe(50)
    one.take(
      Array.from({ length: 80 }, (_, n) => empty('up', `t${n}`)),
      start + 15_000,
    )
    expect(one.all()).toMatchObject([{ beyond: 30 }])
    for (let n = 0; n < 300; n += 1) {
      one.take([empty(`x${n}`, 'a')], start + (n + 2) * day)
      one.take([], start + (n + 2) * day + 20 * minute)
    }
    expect(one.all().length).toBeLessThanOrEqual(201)
    expect(times.groupMs).toBe(30_000)
  })
})

const incidentsNow = made()
