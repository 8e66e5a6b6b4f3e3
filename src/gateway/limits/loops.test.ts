import { describe, expect, it } from 'vitest'
import { Fingerprint } from './fingerprint.ts'
import { Loops } from './loops.ts'

const limit = { most: 10, periodMs: 60_000 }

describe('repeated calls', () => {
  it('are let through up to the limit in any period, whenever they come', () => {
    for (const everyMs of [0, 1, 100, 999, 5_000, 7_000, 13_000]) {
      const loops = new Loops(limit)
      const taken: number[] = []
      for (let now = 12_345, n = 0; n < 400; n += 1, now += everyMs) {
        const found = loops.find(1, 2, now)
        if (found !== undefined) {
          expect(found.waitMs).toBeGreaterThan(0)
          now += found.waitMs
          expect(loops.find(1, 2, now)).toBeUndefined()
        }
        loops.count(1, 2, now)
        taken.push(now)
      }
      for (const from of taken) expect(taken.filter((at) => at >= from && at < from + limit.periodMs).length).toBeLessThanOrEqual(10)
      // A call every 7 s is nine in a minute.
      if (everyMs >= 7_000) expect(taken.length).toBe(400)
    }
  })

  it.each([1, 2, 3, 4])('of a cycle of %i are found, and its length is told', (length) => {
    const loops = new Loops(limit)
    let calls = 0
    for (let n = 0; n < 200; n += 1) {
      const found = loops.find(1, 1 + (n % length), n)
      if (found !== undefined) {
        expect(found).toMatchObject({ used: 10, length })
        break
      }
      loops.count(1, 1 + (n % length), n)
      calls += 1
    }
    expect(calls).toBe(10 * length)
  })

  it('go on being counted when the steps of a short window have been too many to be told apart', () => {
    const loops = new Loops({ most: 10, periodMs: 8 })
    for (const from of [2 ** 30 - 3, 2 ** 30 + 1, 3 * 2 ** 30]) {
      for (let n = 0; n < 10; n += 1) {
        expect(loops.find(1, 2, from + n / 10)).toBeUndefined()
        loops.count(1, 2, from + n / 10)
      }
      const found = loops.find(1, 2, from + 1)
      expect(found?.waitMs).toBeGreaterThan(0)
      expect(loops.find(1, 2, from + 1 + (found?.waitMs ?? 0))).toBeUndefined()
    }
  })

  it('are found between others, with no length told', () => {
    const loops = new Loops(limit)
    for (let n = 0; n < 100; n += 1) loops.count(1, 1 + (n % 10), n)
    expect(loops.find(1, 1, 100)).toMatchObject({ used: 10, length: undefined })
  })

  it('are found among a hundred thousand others, as long as they come often, and refusals change nothing', () => {
    const loops = new Loops(limit)
    let n = 1
    for (let repeat = 0; repeat < 10; repeat += 1) {
      expect(loops.find(7, 123_456_789, repeat * 100)).toBeUndefined()
      loops.count(7, 123_456_789, repeat * 100)
      for (let other = 0; other < 10_000; other += 1) loops.count(n, (n++ * 2_654_435_761) % 2 ** 53, repeat * 100 + other / 200)
    }
    const found = loops.find(7, 123_456_789, 1_000)
    expect(found).toMatchObject({ used: 10 })
    for (let i = 0; i < 1_000; i += 1) expect(loops.find(7, 123_456_789, 1_000)).toEqual(found)
  })

  it('lose their place to others where they are the oldest of too many', () => {
    const loops = new Loops(limit, 4)
    for (let i = 0; i < 10; i += 1) loops.count(1, 1, 0)
    for (let i = 2; i < 6; i += 1) loops.count(1, i, 30_000)
    expect(loops.find(1, 1, 30_000)).toBeUndefined()
    for (let i = 0; i < 10; i += 1) loops.count(1, 5, 30_000)
    expect(loops.find(1, 5, 30_000)).toBeDefined()
  })
})

describe('a fingerprint', () => {
  const print = new Fingerprint(new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]))
  const of = (value: unknown): number => print.begin().json(value).value

  it('is the same for the same value and another for another', () => {
    const long = 'x'.repeat(200_000)
    const values = [
      ...[null, true, false, 0, 1, -1, 0.1, '', '0', 'a', 'b', [], {}, [[]], [{}], { a: 1 }, { a: 2 }, { b: 1 }, { a: '1' }],
      ...[['a', 'b'], ['ab'], { a: ['b'] }, { a: { b: 1 } }, { a: {}, b: 1 }, undefined, long, `${long}y`, `y${long}`],
      ...Array.from({ length: 2_000 }, (_, page) => ({ query: 'is:open', page })),
    ]
    const prints = values.map(of)
    expect(new Set(prints).size).toBe(values.length)
    expect(values.map(of)).toEqual(prints)
    expect(prints.every((one) => Number.isSafeInteger(one) && one >= 0)).toBe(true)
  })

  it('looks at a bounded part of what is large or deep', () => {
    let deep: unknown = 1
    for (let n = 0; n < 5_000; n += 1) deep = [deep]
    expect(Number.isSafeInteger(of(deep))).toBe(true)
    expect(Number.isSafeInteger(of(Array.from({ length: 1_000_000 }, () => 'text')))).toBe(true)
  })

  it('follows from a secret', () => {
    expect(of('a')).not.toBe(new Fingerprint(new Uint8Array([1, 2, 3, 4, 5, 6, 7, 9])).begin().json('a').value)
  })
})
