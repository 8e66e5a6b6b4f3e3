import { describe, expect, it } from 'vitest'
import { systemRandom } from './system-random.ts'

describe('ids of calls', () => {
  it('are UUIDs of version 7 that begin with their time, and no two are alike', () => {
    const at = Date.UTC(2026, 10, 30, 12)
    const ids = Array.from({ length: 50_000 }, (_, n) => systemRandom.callId(at + (n % 7)))
    expect(new Set(ids).size).toBe(ids.length)
    for (const [n, id] of ids.entries()) {
      expect(id).toMatch(/^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
      expect(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBe(at + (n % 7))
    }
    expect(new Set(ids.map((id) => id[19])).size).toBe(4)
  })

  it('of a clock that is set before 1970 or tells fractions are UUIDs too', () => {
    for (const at of [-5, 0.5, 1_796_049_761_686.7]) expect(systemRandom.callId(at)).toMatch(/^[\da-f]{8}-[\da-f]{4}-7/)
  })
})
