import { describe, expect, it } from 'vitest'
import { aRecord } from '../../test/doubles/record.ts'
import { settingsSchema } from './settings.ts'
import { slowerThan } from './telemetry.ts'

describe('what is slow of a tool with an objective', () => {
  const { tools } = settingsSchema.parse({
    tools: { up: { objective: { latency: '2s' } }, 'up/fast*': { objective: { latency: '200ms' } } },
  })
  const of = slowerThan({ tools })

  it('is what its objective says, of the more exact selector', () => {
    expect(of(aRecord({ item: 'weather' }))).toBe(2_000)
    expect(of(aRecord({ item: 'fast_one' }))).toBe(200)
    expect(of(aRecord({ item: 'fast_one' }))).toBe(200)
  })

  it('is not said of other servers, of what is no tool, and where nothing has an objective', () => {
    expect(of(aRecord({ upstream: 'other' }))).toBeUndefined()
    expect(of(aRecord({ itemKind: 'prompt' }))).toBeUndefined()
    expect(slowerThan(settingsSchema.parse({}))(aRecord())).toBeUndefined()
  })
})
