// Settings of tools, and rates of prompts and resources, by selector. A leaf. Every key is optional and has no default here: what is absent comes from a less exact selector,
// and at last from `unconfigured` (core/call/tool-settings.ts).
import { z } from 'zod'
import { dateMs, datePattern } from '../../core/text/date.ts'
import { durationMs, durationPattern } from '../../core/text/duration.ts'
import { type Rate, ratePattern, readRate } from '../../core/text/rate.ts'

const rate = z
  .string()
  .regex(ratePattern, { error: 'is no rate: write for example 5/s, 100/10s or 2000/1d' })
  .transform((text) => readRate(text) as Rate)

const duration = z
  .string()
  .regex(durationPattern, { error: 'is no duration: write for example 500ms, 20s or 5m' })
  .transform((text) => durationMs(text) as number)
  .refine((ms) => ms > 0, { error: 'has to be more than nothing' })

function ratesOf(uses: string, kind: string) {
  return {
    rate: rate
      .exactOptional()
      .describe(
        `${uses} of the ${kind} by all callers together, \`calls/period\`: \`5/s\`, \`100/10s\`, \`2000/1d\`. Each ${kind} that is selected has its own.`,
      ),
    ratePerPrincipal: rate.exactOptional().describe(`${uses} of the ${kind} by one principal, whatever its runs.`),
    ratePerRun: rate.exactOptional().describe(`${uses} of the ${kind} within one run of an agent.`),
  }
}

const date = z
  .string()
  .regex(datePattern, { error: 'is no date: write YYYY-MM-DD, or YYYY-MM-DDThh:mmZ' })
  .refine((text) => dateMs(text) !== undefined, { error: 'is no date of the calendar' })
  .transform((text) => dateMs(text) as number)

const mostBrownouts = 32

const deprecation = z
  .strictObject({
    from: date.describe('From then on lists and results say that it is deprecated.'),
    sunset: date.optional().describe('From then on it is in no list and calls are refused (`version_retired`). Absent: it stays.'),
    replacement: z.string().min(1).max(256).optional().describe('The tool to use in its place, which callers are told.'),
    brownouts: z
      .array(
        z.strictObject({
          at: date.describe('When it begins.'),
          minutes: z.number().positive().max(1_440).describe('How long it lasts.'),
        }),
      )
      .max(mostBrownouts)
      .default([])
      .describe('Times before the sunset at which calls are refused for a while, so that nobody overlooks what is to come.'),
  })
  .refine(({ from, sunset }) => sunset === undefined || sunset > from, { error: 'has to be after `from`', path: ['sunset'] })
  .transform(({ from, sunset, replacement, brownouts }) => ({
    fromMs: from,
    sunsetMs: sunset,
    replacement,
    brownouts: brownouts.map(({ at, minutes }) => ({ atMs: at, untilMs: at + minutes * 60_000 })),
  }))

const percent = z
  .number()
  .gt(0, { error: 'has to be more than nothing' })
  .lt(100, { error: 'has to be less than 100: there is no budget of errors left' })

/** Also of a server. */
export const objectiveSettings = z
  .strictObject({
    availability: percent
      .optional()
      .describe('Percent of the calls that are to succeed in 30 days, such as 99.5 (docs/alerts.md#objectives).'),
    latency: duration.optional().describe('How long calls may take: `percentile` percent of them.'),
    percentile: percent.default(95).describe('Percent of the calls that are to be within `latency`.'),
  })
  .refine(({ availability, latency }) => availability !== undefined || latency !== undefined, {
    error: 'wants neither `availability` nor `latency`',
  })
  .transform(({ availability, latency, percentile }) => ({ availability, latency, percentile }))

const versions = z
  .strictObject({
    alias: z
      .number()
      .int()
      .positive()
      .optional()
      .describe('The version that the name of the family leads to, for who pins none. Default: the highest that is not deprecated.'),
    deprecated: z
      .record(z.string().regex(/^[1-9]\d{0,8}$/, { error: 'is no number of a version' }), deprecation)
      .default({})
      .describe('Versions whose end is planned, by their number.'),
  })
  .transform(({ alias, deprecated }) => ({
    alias,
    deprecated: new Map(Object.entries(deprecated).map(([number, plan]) => [Number(number), plan])),
  }))

const member = String.raw`\.[A-Za-z_@$][\w@$-]{0,63}`
const mostIgnored = 16

const quality = z
  .strictObject({
    rows: z
      .string()
      .regex(new RegExp(`^\\$(${member}){0,2}$`), { error: 'is no path of rows: write $, $.rows or $.data.items' })
      .optional()
      .describe('Where the rows are that are counted: `$`, `$.rows`, `$.data.items`. Default: the list that takes most of the results.'),
    emptyIsNormal: z
      .boolean()
      .default(false)
      .describe('An answer without anything is as good as any other: it is counted, and no more is made of it.'),
    payload: z
      .boolean()
      .optional()
      .describe(
        'The tool gives texts of others (files, pages, logs), in which what looks like an error may be what was asked for. Default: by its name.',
      ),
    ignore: z
      .array(z.string().regex(new RegExp(`^\\$(${member}(\\[\\])?)+$`), { error: 'is no path: write $.as_of or $.rows[].seen' }))
      .max(mostIgnored)
      .default([])
      .describe('Members that are other each time, such as `$.as_of`: two answers that differ only there count as the same.'),
    onSuspect: z
      .enum(['annotate', 'block'])
      .default('annotate')
      .describe(
        '`annotate` gives a doubtful result with what is doubtful of it. `block` gives a fault in its place: `result_schema_violation` where it is not of the declared schema, else `result_suspect`.',
      ),
  })
  .transform(({ rows, payload, ...rest }) => ({ ...rest, rows, payload }))

export const toolSettings = z.strictObject({
  idempotent: z
    .boolean()
    .exactOptional()
    .describe(
      'Whether a call may be executed twice, whatever the server says of the tool. `true`: it is sent again also where nobody knows whether it was executed; `false`: never there. Default: by `readOnlyHint` and `idempotentHint`.',
    ),
  retry: z
    .enum(['reads', 'never'])
    .exactOptional()
    .describe(
      '`reads` sends again what was not executed and, where nobody knows, what only reads or is idempotent. `never` sends nothing again, also not what surely was not executed. Default: `reads`.',
    ),
  arguments: z
    .enum(['coerce', 'strict', 'pass'])
    .exactOptional()
    .describe(
      'What becomes of arguments that do not fit the input schema. `coerce` gives them the types that it wants where nothing is lost (`"1"` for an integer, JSON text for an object) and refuses what cannot be read so; `strict` refuses all of them; `pass` checks nothing and leaves it to the server. Default: `coerce`.',
    ),
  ...ratesOf('Calls', 'tool'),
  timeout: duration
    .exactOptional()
    .describe(
      'Longest silence of a call of the tool, in place of `timeouts.call` (`20s`, `5m`); progress starts it anew, up to `timeouts.maximum`.',
    ),
  tellUser: z
    .string()
    .min(1)
    .max(500)
    .exactOptional()
    .describe(
      'What the agent is told to tell its user where a call fails on the way to the server or behind it (faults of the categories `transport` and `integration`): `tell_user` of the fault, and a line of its text.',
    ),
  staleFor: duration
    .exactOptional()
    .describe(
      'Of a tool that only reads (`readOnlyHint`): where its server fails, the last good answer to the same call of the same principal is given, if it is not older than this (`60s`), with `signalbox.dev/stale` in `_meta`. Under the name of a server alone, or `*`, also of its resources. Default: nothing is kept.',
    ),
  concurrency: z
    .number()
    .int()
    .positive()
    .exactOptional()
    .describe('Calls of the tool at once; `limits.queue` more wait, and take no place of the server while they do.'),
  cost: z
    .strictObject({
      call: z.number().nonnegative().default(0).describe('Cost of a call, whatever its size, in `prices.currency`.'),
      token: z.number().nonnegative().optional().describe('Cost of each token of arguments and result. Default: `prices.perToken`.'),
    })
    .transform(({ call, token }) => ({ call, token }))
    .exactOptional()
    .describe('What a call costs, for budgets of cost.'),
  secrets: z
    .enum(['mask', 'pass'])
    .exactOptional()
    .describe(
      '`mask` puts a word in place of secrets in results, errors and messages on the way: tokens and keys of known forms, and values beside names such as `password`. Under the name of a server alone, or `*`, also of its prompts, resources and tasks. `pass` changes nothing, but for what configuration itself gives to the server, which never reaches a caller. Default: `pass`.',
    ),
  untrusted: z
    .enum(['mark', 'pass'])
    .exactOptional()
    .describe(
      '`mark` puts the content of results between two texts that tell the model that it is data of others, and writes characters out that cannot be seen. Default: `pass`.',
    ),
  quality: quality.exactOptional().describe('How its results are judged, where `quality.enabled`.'),
  versions: versions
    .exactOptional()
    .describe(
      'Under the name of a family (`billing/create_invoice` of `create_invoice_v1` and `create_invoice_v2`): what holds for its versions.',
    ),
  deprecated: deprecation.exactOptional().describe('The end of the tool itself, whether or not it has versions.'),
  objective: objectiveSettings
    .exactOptional()
    .describe(
      'What is wanted of its calls, and told of where it is missed (docs/alerts.md#objectives). Each tool that is selected has its own.',
    ),
})

const selector = z.string().regex(/^(\*|[^*/\s]+(\/([^*]+\*?|\*))?)$/, {
  error: '`server`, `server/name`, `server/start*` or `*`; only the end of a name can be open',
})

export const toolsSettings = z.record(selector, toolSettings)

export const promptsSettings = z.record(selector, z.strictObject(ratesOf('Uses', 'prompt')))

export const resourcesSettings = z.record(selector, z.strictObject(ratesOf('Reads', 'resource')))

export type ToolsSettings = z.infer<typeof toolsSettings>
export type PromptsSettings = z.infer<typeof promptsSettings>
export type ResourcesSettings = z.infer<typeof resourcesSettings>
