import { expect, it } from 'vitest'
import { settingsSchema } from '../../assembly/settings.ts'
import { qualityFindings } from './quality-checks.ts'

const found = (config: Record<string, unknown>) =>
  qualityFindings(settingsSchema.parse(config)).map(({ severity, path }) => `${severity} ${path.join('.')}`)

it('says what is asked of the judging of results where nothing is judged', () => {
  const tools = { 'up/pay': { quality: { onSuspect: 'block' } }, 'up/poll': { quality: { emptyIsNormal: true } }, 'up/read': {} }
  expect(found({ quality: { enabled: false }, tools })).toEqual(['error tools.up/pay.quality.onSuspect', 'warning tools.up/poll.quality'])
  expect(found({ tools })).toEqual([])
})
