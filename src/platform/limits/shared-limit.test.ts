import { describe, expect, it } from 'vitest'
import { tenantKey } from '../../core/call/tenant-key.ts'
import type { LeaseReply } from './lease-script.ts'
import { SharedLimit } from './shared-limit.ts'

const open = (most = 1_000) => new SharedLimit('k', { key: tenantKey('acme', 'k'), most, periodMs: 60_000 }, false)
const reply = (change: Partial<LeaseReply>): LeaseReply => ({
  granted: 0,
  at: 7,
  waitMs: 0,
  used: 0,
  resetsInMs: 60_000,
  endsInMs: 60_000,
  ...change,
})

/** Asks for so much at a time and is given what it wants. */
function leased(limit: SharedLimit, amount: number, now: number, at = 7): number {
  limit.want(amount)
  const request = limit.request(now)
  limit.answered(request, reply({ granted: request.want, used: request.want, at }), now, now)
  return request.want
}

describe('a limit that gateways share', () => {
  it('leases twice as much where all was used, up to a part of the limit, and half as much where some was left', () => {
    const limit = open()
    const wants: number[] = []
    for (let now = 0; now < 6; now += 1) {
      const want = leased(limit, 1, now)
      wants.push(want)
      limit.add(want, now)
    }
    expect(wants).toEqual([1, 2, 4, 8, 15, 15])
    expect([200, 400, 600, 800].map((now) => leased(limit, 1, now))).toEqual([7, 3, 1, 1])
  })

  it('leases no more than is asked for of a small limit', () => {
    const limit = open(5)
    for (let now = 0; now < 5; now += 1) {
      expect(leased(limit, 1, now)).toBe(1)
      limit.add(1, now)
    }
  })

  it('uses what it leased for as long as it may, and gives the rest back with the next question', () => {
    const limit = open()
    limit.want(20)
    const first = limit.request(0)
    limit.answered(first, reply({ granted: 20, used: 20, at: 9 }), 0, 10)
    limit.add(5, 10)
    expect(limit.waitMs(15, 99)).toBe(0)
    expect(limit.waitMs(16, 99)).toBeUndefined()
    // Its life began when it was asked for, not when it came.
    expect(limit.waitMs(15, 100)).toBeUndefined()
    expect(limit.isDue(99)).toBe(false)
    expect(limit.isDue(100)).toBe(true)
    limit.want(1)
    expect(limit.request(101)).toMatchObject({ back: 15, backAt: 9, need: 1 })
    expect(limit.request(102)).toMatchObject({ back: 0 })
  })

  it('asks for those who wait as for one: enough for the least, as much as all want', () => {
    const limit = open()
    for (const amount of [30, 5, 40]) limit.want(amount)
    expect(limit.request(0)).toMatchObject({ need: 5, want: 75 })
  })

  it('remembers a refusal until its wait is over, for as much and for more, but asks again after a second', () => {
    const limit = open()
    limit.want(10)
    const request = limit.request(0)
    limit.answered(request, reply({ used: 995, waitMs: 30_000 }), 0, 0)
    expect([9, 10, 500].map((amount) => limit.waitMs(amount, 900))).toEqual([undefined, 29_100, 29_100])
    expect(limit.waitMs(10, 1_000)).toBeUndefined()
  })

  it('tells again what was used where no answer came, and not what was given back', () => {
    const limit = open()
    limit.add(30, 0)
    const used = limit.request(0)
    expect(used.counted).toBe(30)
    limit.unanswered(used, 25)
    expect(limit.request(30).counted).toBe(30)
    limit.add(-10, 30)
    const returned = limit.request(30)
    expect(returned.counted).toBe(-10)
    limit.unanswered(returned, 55)
    expect(limit.request(60).counted).toBe(0)
  })

  it('takes an answer that comes late for what it is: heard, and too old to use', () => {
    const limit = open()
    limit.add(30, 0)
    limit.want(4)
    const request = limit.request(0)
    limit.unanswered(request, 25)
    limit.answeredLate(request, reply({ granted: 4, at: 9 }))
    expect(limit.waitMs(1, 30)).toBeUndefined()
    expect(limit.request(30)).toMatchObject({ counted: 0, back: 4, backAt: 9 })
  })

  it('tells nothing that was used longer ago than a period', () => {
    const limit = open()
    limit.add(30, 0)
    limit.add(5, 50_000)
    expect(limit.request(60_000).counted).toBe(5)
  })

  it('grants nothing of its lease once more is used than the limit allows', () => {
    const limit = open(100)
    leased(limit, 50, 0)
    limit.add(20, 0)
    expect(limit.waitMs(10, 1)).toBe(0)
    limit.add(100, 1)
    expect(limit.waitMs(10, 1)).toBeUndefined()
    expect([limit.used(1), limit.resetsInMs(1)]).toEqual([120, 59_999])
    limit.add(-120, 1)
    expect(limit.used(1)).toBe(0)
  })
})
