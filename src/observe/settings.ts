// Settings of the log and of what is measured. A leaf.
import { z } from 'zod'
import { durationMs, durationPattern } from '../core/text/duration.ts'

export const logSettings = z.strictObject({
  level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info').describe('Least severe log level that is written.'),
  format: z
    .enum(['auto', 'json', 'human'])
    .default('auto')
    .describe('`auto` is human on a terminal, JSON lines elsewhere. Always on standard error.'),
  calls: z.boolean().default(true).describe('One line per call.'),
})

export const telemetrySettings = z.strictObject({
  stages: z
    .boolean()
    .default(false)
    .describe('Measure how long calls are in each stage (`signalbox_stage_seconds_total`). It costs each call some microseconds.'),
  tokens: z
    .boolean()
    .default(true)
    .describe(
      'Learn from exact counts how many tokens the texts of each tool have, in a thread with some 100 MB of memory. `false`: they are estimated from their characters alone.',
    ),
})

export const redactSettings = z.strictObject({
  keys: z
    .array(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$/, { error: 'a name of 1 to 64 characters: letters, digits, space . _ -' }))
    .max(100)
    .default([])
    .describe(
      'Names of members whose values are redacted, at any depth and in any style of writing: `customer_no` is `customerNo` and `Customer-No` too.',
    ),
  patterns: z
    .array(z.string().min(1).max(1_000))
    .max(50)
    .default([])
    .describe(
      'Regular expressions (ECMA-262; `(?i)` in front: letters of either case) of what is redacted in texts. They are matched in linear time: what looks ahead or behind, or refers back, is refused.',
    ),
})

export type LogSettings = z.infer<typeof logSettings>

export const auditSettings = z.strictObject({
  retention: z
    .string()
    .regex(durationPattern, { error: 'is no duration: write for example 12h or 30d' })
    .transform((text) => durationMs(text) ?? 0)
    .prefault('90d')
    .describe(
      'How long rows of the audit are kept. They are in the store of `stateDir`; where nothing outlives a restart there is no audit.',
    ),
})
