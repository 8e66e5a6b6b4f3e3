// A question about the rules as people ask it: of somebody, named by a subject or by what is known of them, and a tool by `server/name`.
import { z } from 'zod'
import type { Item } from '../../core/call/item.ts'
import { emptyObject } from '../../core/call/payload.ts'
import { anonymous, type Principal } from '../../core/call/principal.ts'
import { defaultTenant } from '../../core/call/tenant-key.ts'
import { unconfigured } from '../../core/call/tool-settings.ts'
import type { Policy } from './access.ts'
import { type Explained, explain } from './explain.ts'

export const askedPrincipal = z.strictObject({
  sub: z.string().default('somebody'),
  iss: z.string().default('policy'),
  tenant: z.string().default(defaultTenant),
  client: z.string().optional(),
  kind: z.enum(['user', 'service', 'key', 'anonymous']).default('user'),
  method: z.enum(['oauth', 'platform', 'trustedHeader', 'apiKey', 'anonymous']).default('oauth'),
  groups: z.array(z.string()).default([]),
  scopes: z.array(z.string()).default([]),
})

export type AskedPrincipal = z.infer<typeof askedPrincipal>

export const askedTool = z.string().regex(/^[a-z0-9-]{1,24}\/.+$/, { error: 'write server/name, with the server’s own name of the tool' })

export interface AskedAbout {
  readonly principal: AskedPrincipal
  readonly tool: string
  readonly args: unknown
  readonly kind?: Item['kind']
  readonly readOnly?: boolean
  readonly now: Date
}

export function explainAsked(
  policy: Policy,
  { principal: asked, tool, args, kind = 'tool', readOnly = false, now }: AskedAbout,
): Explained {
  const slash = tool.indexOf('/')
  const name = tool.slice(slash + 1)
  const item: Item = {
    kind,
    upstream: tool.slice(0, slash),
    name,
    visible: name,
    definition: emptyObject,
    traits: { readOnly, destructive: !readOnly, idempotent: readOnly },
    settings: unconfigured,
    headers: [],
    validate: undefined,
    declaresOutput: false,
    generation: 0,
  }
  const { client, ...rest } = asked
  const principal: Principal = { ...anonymous, ...rest, clientId: client }
  return explain(policy, principal, item, args, now)
}

/** A subject, or a JSON object of what is known of the principal; a text says what does not fit. */
export function readAskedPrincipal(text: string): AskedPrincipal | string {
  if (!text.trimStart().startsWith('{')) return askedPrincipal.parse({ sub: text })
  const read = askedPrincipal.safeParse(readAskedJson(text))
  return read.success
    ? read.data
    : `does not fit: ${read.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`).join('; ')}`
}

export function readAskedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
