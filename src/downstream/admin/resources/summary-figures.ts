// What the sums and rows of the audit say of the hours of a window, beside their usual.
import { z } from 'zod'
import { categories } from '../../../core/faults/fault.ts'

const whole = z.number().int()

const figure = z.object({
  value: z.number().nullable().describe('Null where there was nothing to measure.'),
  usual: z
    .object({ median: z.number(), low: z.number(), high: z.number(), days: whole.describe('Days that it is of.') })
    .nullable()
    .describe(
      'Of the same hours of the seven days before, as far as the audit has them; of the last hour as much as is over of it. Null where it has none.',
    ),
})

const compared = z.object({
  value: z.number().nullable(),
  usual: z.number().nullable().describe('Of the same hours of the day before; null where nothing is kept of it.'),
})

export const figures = z.object({
  calls: figure,
  faults: figure.describe('Calls that ended as a fault, or with an error of their tool.'),
  suspects: figure,
  denied: figure,
  tokens: figure,
  cost: figure.describe('In `currency`.'),
  meanMs: figure.describe('Mean duration of calls.'),
})

const some = z.object({ calls: whole, isAll: z.boolean() })

export const rows = some.extend({
  calls: whole.describe('What follows is of so many calls, the newest.'),
  isAll: z.boolean().describe('Whether these are all calls of the time.'),
  dayBefore: some.nullable().describe('What it is compared with.'),
  p50: compared.describe('Duration of calls of tools that did not fail, in ms.'),
  p99: compared,
  faults: z.array(z.object({ category: z.enum(categories), calls: whole, share: compared })).readonly(),
  slowest: z
    .array(z.object({ tool: z.string(), calls: whole, p95: compared, ratio: z.number().nullable() }))
    .readonly()
    .describe('Tools with five calls or more, the slowest against their usual first.'),
})

/** As `observe` reads it from the audit. */
export interface SummaryEntries {
  readonly fromMs: number
  readonly toMs: number
  readonly figures: z.infer<typeof figures>
  readonly rows: z.infer<typeof rows>
}
