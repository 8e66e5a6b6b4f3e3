// Settings of `access`. A leaf: it imports the schema library and nothing of ours.
import { z } from 'zod'

const names = z.array(z.string().min(1)).min(1)

export const accessRuleSettings = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, { error: 'a name of 1 to 64 characters: letters, digits, . _ -' })
    .optional()
    .describe('What the audit, metrics and `signalbox policy` call the rule. Default: its place, `access.0`.'),
  use: z
    .array(z.string().min(1))
    .min(1)
    .describe(
      'What the rule grants, by selector: `server`, `server/name`, `server/start*` or `*`. Names are the upstream’s own; of resources it is the URI.',
    ),
  groups: names.optional().describe('The caller is in at least one of these.'),
  scopes: names.optional().describe('The caller’s credential has all of these. A caller that lacks nothing else is asked to step up.'),
  clients: names.optional().describe('The credential was issued to one of these OAuth clients.'),
  tenants: names.optional().describe('The caller belongs to one of these tenants.'),
  subjects: names.optional().describe('The caller is one of these subjects (`sub`).'),
  team: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, { error: 'a name of 1 to 64 characters: letters, digits, . _ -' })
    .optional()
    .describe('The team whose cost a call is that this rule grants, unless the token of the caller names one.'),
  versions: z
    .record(z.string().min(1), z.number().int().positive())
    .optional()
    .describe(
      'The version of a family of tools that its callers see and use, and no other: `{create_invoice: 1}`, or `{billing/create_invoice: 1}` of one server. Goes before what toolsets and clients pin; of several rules that name one family the first holds.',
    ),
  when: z.string().min(1).max(2_000).optional().describe('A condition in CEL on `principal`, `tool`, `args` and `now`.'),
  shadow: z
    .boolean()
    .default(false)
    .describe('True: the rule is tried on live calls and counted (`signalbox_access_shadow_total`), and grants nothing.'),
})

export const accessSettings = z.array(accessRuleSettings)

export type AccessRuleSettings = z.infer<typeof accessRuleSettings>
export type AccessSettings = z.infer<typeof accessSettings>
