import { expect, it } from 'vitest'
import type { Group } from './families.ts'
import { PinnedViews } from './pinned-views.ts'
import type { View } from './view.ts'

const families = 300
const group = (n: number): Group => ({ upstream: 'up', family: `t${n}`, visible: `t${n}`, numbers: [1, 2], members: [] })
let made = 0
const base = {
  serial: 1,
  selection: { versions: undefined },
  groupsOf: (name: string, found: Set<Group>) => {
    const n = Number(name.slice(1))
    if (n < families) found.add(groups[n] as Group)
  },
  pinned: () => {
    made += 1
    return {}
  },
} as unknown as View
const groups = Array.from({ length: families }, (_, n) => group(n))
const stated = (pins: Record<string, number>) => ({ header: new Map(Object.entries(pins)), meta: undefined })

it('as many views are kept as memory is for, whatever clients pin; pins that come to the same share one', () => {
  const views = new PinnedViews()
  for (let n = 0; n < families; n += 1) views.of(base, undefined, stated({ [`t${n}`]: 1 }))
  expect(views.kept).toBe(128)
  made = 0
  const first = views.of(base, undefined, stated({ t1: 1, t2: 2 }))
  expect(views.of(base, undefined, stated({ t2: 2, t1: 1, [`t${families}`]: 3 }))).toBe(first)
  expect(views.of(base, new Map([['t1', 1]]), { header: undefined, meta: new Map([['t2', 2]]) })).toBe(first)
  // Versions that do not exist are alike.
  const none = views.of(base, undefined, stated({ t1: 8 }))
  for (let n = 9; n < 50; n += 1) expect(views.of(base, undefined, stated({ t1: n }))).toBe(none)
  expect(made).toBe(2)
  expect(views.of(base, undefined, stated({ [`t${families}`]: 1 }))).toBe(base)
})
