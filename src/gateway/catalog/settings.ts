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
  versions: z
    .record(z.string().min(1), z.number().int().positive())
    .optional()
    .describe(
      'The version of a family of tools that the toolset shows, and no other: `{create_invoice: 1}`, or `{billing/create_invoice: 1}` of one server.',
    ),
  describe: z.record(z.string(), z.string()).default({}).describe('`server/name` to the description that is shown.'),
})

export type ToolsetSettings = z.infer<typeof toolsetSettings>
