import { describe, expect, it } from 'vitest'
import fc from '../../../test/property.ts'
import { IntrusiveList, type ListEntry } from './intrusive-list.ts'

describe('a roster', () => {
  it('holds whoever entered and has not left, in any order of coming and going', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(20)), { maxLength: 60 }), (moves) => {
        const list = new IntrusiveList<{ n: number }>()
        const here = new Map<number, ListEntry<{ n: number }>>()
        for (const [comes, n] of moves) {
          const place = here.get(n)
          if (comes && place === undefined) here.set(n, list.enter({ n }))
          else if (!comes && place !== undefined) {
            list.leave(place)
            list.leave(place)
            here.delete(n)
          }
        }
        expect(list.size).toBe(here.size)
        expect([...list].map(({ n }) => n).sort()).toEqual([...here.keys()].sort())
      }),
    )
  })

  it('lets everybody leave while it is gone through', () => {
    const list = new IntrusiveList<() => void>()
    const places = [1, 2, 3].map(() => {
      const place: ListEntry<() => void> = list.enter(() => list.leave(place))
      return place
    })
    for (const leave of list) leave()
    expect([list.size, places.every((place) => place.value === undefined)]).toEqual([0, true])
  })
})
