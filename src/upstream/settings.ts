// Settings of one server behind the gateway. A leaf: it imports the schema library and nothing of ours.
import { z } from 'zod'
import { type Rate, ratePattern, readRate } from '../core/text/rate.ts'

const milliseconds = z.number().int().positive()

export const timeoutSettings = z.strictObject({
  call: milliseconds
    .default(50_000)
    .describe(
      'Longest silence of a call in ms; progress, or a keep-alive comment on its event stream, starts it anew. Keep it under the 60 s of most SDK clients.',
    ),
  maximum: milliseconds.default(900_000).describe('Longest total of a call in ms, whatever the progress.'),
  connect: milliseconds.default(5_000).describe('Longest wait for a TCP connection in ms.'),
  start: milliseconds.default(30_000).describe('Longest start of a server in ms, until it answers the handshake.'),
  probe: milliseconds.default(4_000).describe('How long a server may take to answer the probe for its revision, in ms.'),
})

/** The same limits without their defaults, which `.partial()` would fill in: what is absent here comes from the gateway-wide ones. */
const timeoutOverrides = z.strictObject({
  call: override(timeoutSettings.shape.call),
  maximum: override(timeoutSettings.shape.maximum),
  connect: override(timeoutSettings.shape.connect),
  start: override(timeoutSettings.shape.start),
  probe: override(timeoutSettings.shape.probe),
})

function override(limit: z.ZodDefault<z.ZodNumber>): z.ZodOptional<z.ZodNumber> {
  return limit
    .unwrap()
    .optional()
    .describe(limit.description ?? '')
}

export const sandboxSettings = z.strictObject({
  files: z
    .array(z.string().regex(/^\//, { error: 'is no absolute path' }))
    .default([])
    .describe('Files and folders that the child may read and write, by absolute path. They have to be there.'),
  network: z
    .enum(['none', 'loopback'])
    .default('none')
    .describe(
      '`none`: the child can open no socket of a network. `loopback`: it has a loopback of its own, at which its own processes reach each other; neither this machine nor any other can be reached.',
    ),
})

export const serverSettings = z
  .strictObject({
    command: z.string().min(1).optional().describe('Program of a stdio server. Started without a shell.'),
    args: z.array(z.string()).default([]).describe('Arguments of `command`.'),
    env: z.record(z.string(), z.string()).default({}).describe('Environment of the child, beside the allow-list (PATH, HOME, LANG, …).'),
    cwd: z.string().optional().describe('Working directory of the child.'),
    sandbox: sandboxSettings
      .optional()
      .describe(
        'Confine the child by bubblewrap (Linux): it sees the programs of the system, its own program, what its arguments name and `files`, and writes nowhere else. Without bubblewrap it is not started (docs/operations.md#confined-servers).',
      ),
    url: z.url().optional().describe('Address of an HTTP server.'),
    endpoints: z
      .array(z.url())
      .min(1)
      .optional()
      .describe(
        'Addresses of an HTTP server that runs several times, in place of `url`. A call goes to the one with the fewest calls, in turns among equals; one that cannot be reached, or fails calls in a row, is left out for a while. Sessions and tasks stay where they began.',
      ),
    headers: z
      .record(z.string(), z.string())
      .default({})
      .describe('Headers of every request to an HTTP server, for example a static credential.'),
    transport: z
      .enum(['auto', 'streamable-http', 'sse'])
      .default('auto')
      .describe('Transport of an HTTP server; `auto` tries Streamable HTTP, then HTTP+SSE.'),
    era: z
      .enum(['auto', 'legacy', 'modern'])
      .default('auto')
      .describe(
        '`modern` is MCP 2026-07-28, `legacy` any revision with initialize; `auto` finds out, and speaks to a server of both in the era of the caller: over stdio with a second process, when the first client with a session needs it.',
      ),
    enabled: z.boolean().default(true).describe('False keeps the entry but does not serve it.'),
    sharing: z
      .enum(['principal', 'shared'])
      .default('principal')
      .describe(
        '`shared` lets one stdio process, or one session or HTTP+SSE connection of an HTTP server, serve all callers: for servers that bear one connection only, and for those known to be safe. What a server keeps for a session is then common to all; its questions are asked only where one call alone can have caused them, and calls of callers who can be asked take turns once it has asked over stdio or HTTP+SSE.',
      ),
    interactive: z
      .enum(['auto', 'yes', 'no'])
      .default('auto')
      .describe(
        'Whether the server asks its clients questions (elicitation, sampling, roots). `auto` learns it from the first question, which is refused where several calls that run on one stdio process could have asked it; with `yes` such calls take turns from the start, and a stdio process serves callers who can be asked the same and is told what that is, in place of all that clients can be asked.',
      ),
    bareNames: z.boolean().default(false).describe('Show the items of this server on /mcp without its prefix. At most one server may.'),
    forwardHeaders: z
      .record(z.string(), z.string())
      .default({})
      .describe('Client headers that go to this server: name as received to name as sent. Nothing else is forwarded.'),
    concurrency: z
      .number()
      .int()
      .positive()
      .default(64)
      .describe('Calls in flight at this server; more wait in a queue of `limits.queue`.'),
    rate: z
      .string()
      .regex(ratePattern, { error: 'is no rate: write for example 5/s, 100/10s or 2000/1d' })
      .transform((text) => readRate(text) as Rate)
      .optional()
      .describe(
        'Requests to this server by all callers together, `calls/period`: `5/s`, `100/10s`, `2000/1d`. Tools, prompts, resources, completions and looks at tasks count.',
      ),
    timeouts: timeoutOverrides.default({}).describe('Overrides of the gateway-wide `timeouts` for this server.'),
  })
  .refine(({ command, url, endpoints }) => [command, url, endpoints].filter((one) => one !== undefined).length === 1, {
    error: 'give one of `command` (stdio), `url` (HTTP) and `endpoints` (HTTP, several)',
  })

  .refine(({ command, sandbox }) => command !== undefined || sandbox === undefined, {
    error: 'confines a child of `command`; a server elsewhere is confined there',
    path: ['sandbox'],
  })

/** Where an HTTP server is reached; empty for a stdio server. */
export function addressesOf({ url, endpoints }: Pick<ServerSettings, 'url' | 'endpoints'>): readonly string[] {
  return endpoints ?? (url === undefined ? [] : [url])
}

export type SandboxSettings = z.infer<typeof sandboxSettings>
export type TimeoutSettings = z.infer<typeof timeoutSettings>
export type ServerSettings = z.infer<typeof serverSettings>
