import { describe, expect, it } from 'vitest'
import { RequestIds } from './ids.ts'

describe('the ids of our requests to one upstream', () => {
  it('begin where chance says, so that two processes do not meet', () => {
    expect(new RequestIds(0).next()).toBe(1)
    const ids = new RequestIds(0.5)
    expect([ids.next(), ids.next()]).toEqual([536_870_912, 536_870_913])
  })

  it('stay within 32 bits with a sign, and begin again after the last', () => {
    const ids = new RequestIds(1 - 2 ** -31)
    let last = 0
    const to = 2 ** 31 - 1
    // As if the first thousand million had been used.
    Object.assign(ids, { last: to - 2 })
    const seen = [ids.next(), ids.next(), ids.next(), ids.next()]
    for (const id of seen) {
      expect(id).not.toBe(last)
      last = id
    }
    expect(seen).toEqual([to - 1, to, 1, 2])
    expect([ids.issued('2'), ids.issued('3'), ids.issued(String(to))]).toEqual([true, false, true])
  })

  it('tell ours from those of others', () => {
    const ids = new RequestIds(0.25)
    const first = ids.next()
    const texts = [first, first - 1, first + 1, `"${first}"`, `${first}.0`, 'null'].map(String)
    expect(texts.map((text) => ids.issued(text))).toEqual([true, false, false, false, false, false])
  })
})
