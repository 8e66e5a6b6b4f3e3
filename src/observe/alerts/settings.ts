// Settings of who is told of incidents. A leaf.
import { z } from 'zod'

const most = 8

const url = z.url({ protocol: /^https?$/, error: 'is no address of http or https' })

const signed = z.strictObject({
  url,
  secret: z
    .string()
    .min(16, { error: 'is shorter than 16 characters: give a secret by reference, for example `${env:ALERTS_SECRET}`' })
    .optional(),
})

const target = z.union([url, signed], { error: 'is neither an address nor {url, secret}' })

/** One, or a list. */
function oneOrMore<T extends z.ZodType>(one: T) {
  return z.union([one, z.array(one).max(most)]).optional()
}

export const alertSettings = z.strictObject({
  webhook: oneOrMore(target)
    .transform((given) => listOf(given).map((one): z.infer<typeof signed> => (typeof one === 'string' ? { url: one } : one)))
    .describe(
      'Who is told of incidents in JSON (docs/alerts.md#webhook): an address, or `{url, secret}` where messages are signed, as Standard Webhooks says; or a list of these. Secrets by reference.',
    ),
  slack: oneOrMore(url)
    .transform(listOf)
    .describe(
      'Incoming webhooks of Slack, or of what takes the same (Mattermost, Rocket.Chat, Discord at `/slack`): one or a list. They are secrets: by reference.',
    ),
  alertmanager: oneOrMore(url)
    .transform(listOf)
    .describe('Prometheus Alertmanagers (API v2), such as http://alertmanager:9093: one, or a list with all of a cluster.'),
})

export type AlertSettings = z.infer<typeof alertSettings>

function listOf<T>(given: T | readonly T[] | undefined): readonly T[] {
  return given === undefined ? [] : Array.isArray(given) ? given : [given as T]
}
