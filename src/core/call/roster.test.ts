import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Place, Roster } from './roster.ts'

describe('a roster', () => {
  it('holds whoever entered and has not left, in any order of coming and going', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(20)), { maxLength: 60 }), (moves) => {
        const roster = new Roster<{ n: number }>()
        const here = new Map<number, Place<{ n: number }>>()
        for (const [comes, n] of moves) {
          const place = here.get(n)
          if (comes && place === undefined) here.set(n, roster.enter({ n }))
          else if (!comes && place !== undefined) {
            roster.leave(place)
            roster.leave(place)
            here.delete(n)
          }
        }
        expect(roster.size).toBe(here.size)
        expect([...roster].map(({ n }) => n).sort()).toEqual([...here.keys()].sort())
      }),
    )
  })

  it('lets everybody leave while it is gone through', () => {
    const roster = new Roster<() => void>()
    const places = [1, 2, 3].map(() => {
      const place: Place<() => void> = roster.enter(() => roster.leave(place))
      return place
    })
    for (const leave of roster) leave()
    expect([roster.size, places.every((place) => place.value === undefined)]).toEqual([0, true])
  })
})
