// Settings of bounds on size, number and failure. A leaf.
import { z } from 'zod'
import { durationMs, durationPattern } from '../../core/text/duration.ts'
import { amountRatePattern, type Rate, ratePattern, readRate } from '../../core/text/rate.ts'

export const limitSettings = z.strictObject({
  queue: z.number().int().nonnegative().default(64).describe('Calls that may wait for one upstream before more are refused.'),
  resultBytes: z
    .number()
    .int()
    .positive()
    .default(8_388_608)
    .describe('Largest result that is handed to a client whole; a larger one becomes a resource link.'),
  eventBytes: z
    .number()
    .int()
    .min(4_096)
    .default(1_048_000)
    .describe(
      'Largest line of an event stream that brings an answer, with its `data: `; a larger result of a tool becomes a resource link, any other is refused, and a larger message on the way to one (log, progress) is dropped and counted. The Python SDK ends its session at events over 1 MiB. Answers that leave as a JSON body are not bound by it.',
    ),
  messageBytes: z.number().int().positive().default(67_108_864).describe('Largest message that is read from an upstream at all.'),
  listBytes: z
    .number()
    .int()
    .positive()
    .default(33_554_432)
    .describe(
      'Definitions of one kind (tools, prompts, resources, templates) that are taken from one server, in bytes together; what is over is named in `/admin/v1/upstreams` and not served.',
    ),
  spills: z.number().int().nonnegative().default(256).describe('How many oversized results are kept (10 minutes each).'),
  parked: z
    .number()
    .int()
    .positive()
    .default(1_024)
    .describe('Calls that may wait for an answer of their user, in all; 64 of them per principal.'),
  breakerFailures: z
    .number()
    .int()
    .positive()
    .default(5)
    .describe('Failures in a row after which an upstream is left alone, or a tool whose calls alone fail.'),
  breakerOpenMs: z.number().int().positive().default(10_000).describe('How long it is left alone before one trial call, in ms.'),
})

export type LimitSettings = z.infer<typeof limitSettings>

const rate = z
  .string()
  .regex(ratePattern, { error: 'is no rate: write for example 5/s, 100/10s or 2000/1d' })
  .transform((text) => readRate(text) as Rate)

export const loopSettings = z.strictObject({
  identical: z
    .union([z.literal('off'), rate])
    .optional()
    .describe(
      'Calls of one tool with the same arguments within one run, `calls/period`, before more of them are refused as a loop; `off` refuses none. Default: `50/10s` in the production profile, which lets an agent poll four times a second, and `off` in the dev profile, where all programs are one caller.',
    ),
})

const usualLoop: Rate = { most: 50, periodMs: 10_000 }

/** What counts as a loop; in the dev profile nothing does unless it is said, so that a load test is none. */
export function loopOf({ identical }: LoopSettings, profile: 'dev' | 'production'): Rate | 'off' {
  return identical ?? (profile === 'production' ? usualLoop : 'off')
}

/** Of money, which has fractions. */
const amount = z
  .string()
  .regex(amountRatePattern, { error: 'is no amount over a time: write for example 100/1d or 0.5/1h' })
  .refine((text) => readRate(text) !== undefined, { error: 'has to be above nothing' })
  .transform((text) => readRate(text) as Rate)

const total = z.number().int().positive()

export const budgetSettings = z.strictObject({
  run: z
    .strictObject({
      calls: total.optional().describe('Calls of one run, in all.'),
      tokens: total.optional().describe('Tokens of arguments and results of one run, in all, by the vocabulary o200k.'),
      cost: z.number().positive().optional().describe('Cost of one run, in all, by `tools.NAME.cost` and `prices`, in `prices.currency`.'),
      time: z
        .string()
        .regex(durationPattern, { error: 'is no duration: write for example 30m or 2h' })
        .transform((text) => durationMs(text) ?? 0)
        .optional()
        .describe('How long one run may go on from its first call.'),
    })
    .prefault({})
    .describe('What one run of an agent may use, in all.'),
  principal: z
    .strictObject({
      calls: rate.optional().describe('Calls of one principal, whatever its runs: `20000/1d`.'),
      tokens: rate.optional().describe('Tokens of one principal: `5000000/1d`.'),
      cost: amount.optional().describe('Cost of one principal: `20/1d`.'),
    })
    .prefault({})
    .describe('What one principal may use.'),
  team: z
    .strictObject({
      calls: rate.optional().describe('Calls of one team: `100000/1d`.'),
      tokens: rate.optional().describe('Tokens of one team.'),
      cost: amount.optional().describe('Cost of one team: `100/1d`.'),
    })
    .prefault({})
    .describe('What the principals of one team may use together.'),
})

export const priceSettings = z.strictObject({
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, { error: 'has three capital letters, for example USD' })
    .default('USD')
    .describe('Currency of all costs, for people.'),
  perToken: z
    .number()
    .nonnegative()
    .default(0)
    .describe('Cost of each token of arguments and results, where `tools` says nothing of a tool.'),
})

export type PriceSettings = z.infer<typeof priceSettings>
export type BudgetSettings = z.infer<typeof budgetSettings>
export type LoopSettings = z.infer<typeof loopSettings>
