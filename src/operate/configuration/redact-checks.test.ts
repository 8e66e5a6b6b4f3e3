import { expect, it } from 'vitest'
import { settingsSchema } from '../../assembly/settings.ts'
import { redactFindings } from './redact-checks.ts'

it('a pattern that cannot be matched in linear time is refused, with its place and the reason', () => {
  const settings = settingsSchema.parse({ redact: { patterns: ['CUST-\\d{6}', '(?<=id: )\\d+', 'x*'] } })
  expect(redactFindings(settings)).toMatchObject([
    { severity: 'error', path: ['redact', 'patterns', 1], what: expect.stringMatching(/looks ahead or behind/) },
    { severity: 'error', path: ['redact', 'patterns', 2], what: expect.stringMatching(/matches the empty text/) },
  ])
})
