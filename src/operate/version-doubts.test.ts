import { expect, it } from 'vitest'
import { settingsSchema } from '../assembly/settings.ts'
import { preflight } from './preflight.ts'

const told = (settings: object) =>
  preflight(settingsSchema.parse(settings), {}).map(({ key, what, severity }) => `${severity} ${key}: ${what}`)

it('a sunset that comes soon, and one of a version that is pinned, are doubts', () => {
  const deprecated = {
    1: { from: '2026-12-01', sunset: '2027-03-01' },
    2: { from: '2026-12-01', sunset: '2026-12-20' },
    3: { from: '2026-12-01' },
  }
  expect(
    told({
      tools: {
        'billing/create': { versions: { deprecated, alias: 1 } },
        'billing/old': { deprecated: { from: '2026-12-01', sunset: '2026-12-02' } },
      },
      access: [
        { use: ['*'], versions: { create: 1 } },
        { use: ['*'], versions: { create: 2 }, shadow: true },
      ],
      toolsets: {
        some: { include: ['billing'], versions: { 'billing/create': 2, 'other/create': 1, other: 1 } },
        free: { include: ['billing'] },
      },
    }),
  ).toEqual([
    'doubt tools.billing/create.versions.deprecated.2.sunset: comes 19 days after `from`',
    'doubt tools.billing/old.deprecated.sunset: comes 1 days after `from`',
    'doubt access.0.versions.create: pins version 1, which tools.billing/create.versions.deprecated.1 removes on 2027-03-01',
    'doubt toolsets.some.versions.billing/create: pins version 2, which tools.billing/create.versions.deprecated.2 removes on 2026-12-20',
    'doubt tools.billing/create.versions.alias: pins version 1, which tools.billing/create.versions.deprecated.1 removes on 2027-03-01',
  ])
})

it.each([
  [{ from: '2026-02-30x' }, /no date/],
  [{ from: 'tomorrow' }, /no date/],
  [{ from: '2027-01-01', sunset: '2026-01-01' }, /after `from`/],
  [{ from: '2027-01-01', brownouts: [{ at: '2027-01-01', minutes: 0 }] }, /./],
  [{}, /./],
])('no plan: %j', (plan, says) => {
  const read = settingsSchema.safeParse({ tools: { 'a/b': { deprecated: plan } } })
  expect(read.error?.message).toMatch(says)
})
