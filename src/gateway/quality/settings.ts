// The judging of results. A leaf.
import { z } from 'zod'

export const qualitySettings = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .describe(
      'Judge the results of tools: by themselves (errors that are given for a success, empty, cut off, not of the declared schema) and by what is usual of their tool. `false`: none is looked at.',
    ),
  annotate: z
    .boolean()
    .default(true)
    .describe(
      'Tell the agent of a doubtful result, with a text that begins `suspect:` and `signalbox.dev/suspect` in `_meta`. `false`: only metrics and alerts do.',
    ),
  sensitivity: z
    .enum(['normal', 'low'])
    .default('normal')
    .describe('`low`: nothing is said of a result only because it is the first of its kind; what repeats, or was otherwise before, is.'),
})

export type QualitySettings = z.infer<typeof qualitySettings>
