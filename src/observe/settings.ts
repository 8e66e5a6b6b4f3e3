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
