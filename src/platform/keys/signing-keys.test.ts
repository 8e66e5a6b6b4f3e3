import { expect, it } from 'vitest'
import { testDurable } from '../../../test/doubles/durable.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { silentReport } from '../../../test/doubles/report.ts'
import type { Durable } from '../../core/ports/durable.ts'
import { systemRandom } from '../random/system-random.ts'
import { createVault } from '../vault/envelope.ts'
import { createSigningKeys, signingKeysDomain } from './signing-keys.ts'

const hour = 3_600_000
const vault = createVault([Buffer.alloc(32, 1)], systemRandom)

function store(clock: ManualClock): Durable {
  return testDurable({ domains: [signingKeysDomain], clock, report: silentReport })
}

it('two gateways of one store sign with one key, made by the first', async () => {
  const clock = new ManualClock()
  const durable = store(clock)
  const [a, b] = [0, 1].map(() => createSigningKeys({ durable, vault, clock, random: systemRandom })) as [
    ReturnType<typeof createSigningKeys>,
    ReturnType<typeof createSigningKeys>,
  ]
  const [one, two, again] = await Promise.all([a.current('platform'), b.current('platform'), a.current('platform')])
  expect(two.kid).toBe(one.kid)
  expect(again.kid).toBe(one.kid)
  expect((await b.published('platform')).map(({ kid }) => kid)).toEqual([one.kid])
  expect((await a.current('client')).kid).not.toBe(one.kid)
  await durable.close()
})

it('a new key is published before it signs, and the old one after it did', async () => {
  const clock = new ManualClock()
  const durable = store(clock)
  const keys = createSigningKeys({ durable, vault, clock, random: systemRandom })
  const first = await keys.current('platform')
  await clock.advance(24 * hour)
  expect((await keys.current('platform')).kid).toBe(first.kid)
  expect(await keys.published('platform')).toHaveLength(2)
  await clock.advance(2 * hour)
  const second = await keys.current('platform')
  expect(second.kid).not.toBe(first.kid)
  expect((await keys.published('platform')).map(({ kid }) => kid)).toContain(first.kid)
  await clock.advance(24 * hour)
  await keys.current('platform')
  expect((await keys.published('platform')).map(({ kid }) => kid)).not.toContain(first.kid)
  await durable.close()
})

it('no private key stands in the store, and none is published', async () => {
  const clock = new ManualClock()
  const durable = store(clock)
  const keys = createSigningKeys({ durable, vault, clock, random: systemRandom })
  const { privateJwk } = await keys.current('platform')
  const rows = await durable.read((reader) => reader.all('SELECT * FROM signing_keys'))
  const kept = rows.ok
    ? Buffer.concat(
        rows.value.flatMap((row) => Object.values(row).map((cell) => Buffer.from(cell instanceof Uint8Array ? cell : String(cell)))),
      )
    : Buffer.alloc(0)
  expect(kept.includes(String(privateJwk.d))).toBe(false)
  expect(JSON.stringify(await keys.published('platform'))).not.toContain('"d"')
  await durable.close()
})
