// Settings of toolsets: named selections over the servers. A leaf.
import { z } from 'zod'

export const toolsetSettings = z.strictObject({
  include: z
    .array(z.string())
    .min(1)
    .describe(
      'What to show: `server`, `server/name`, or `server/pattern*`. Names are the upstream’s own; those of resources are URIs, of a skill that of its SKILL.md.',
    ),
  exclude: z.array(z.string()).default([]).describe('What to leave out of it, in the same form.'),
  rename: z.record(z.string(), z.string()).default({}).describe('`server/name` to the name that is shown.'),
  describe: z.record(z.string(), z.string()).default({}).describe('`server/name` to the description that is shown.'),
})

export type ToolsetSettings = z.infer<typeof toolsetSettings>
