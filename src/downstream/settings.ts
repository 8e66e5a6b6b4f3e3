// Settings of the doors. A leaf.
import { z } from 'zod'

/** HOST:PORT, or a UNIX socket. */
export const listenAddress = z.string().regex(/^(unix:\/.+|(\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5})$/, {
  error: 'HOST:PORT, for example 127.0.0.1:4280, or unix: and an absolute path',
})

export const httpSettings = z.strictObject({
  hosts: z
    .array(z.string())
    .default([])
    .describe('Host names, beside loopback and the listen address, under which clients reach the gateway.'),
  origins: z
    .array(z.string())
    .default([])
    .describe(
      'Web origins whose pages may call the gateway, for example https://app.example. Loopback origins always may in the dev profile.',
    ),
  socketMode: z
    .string()
    .regex(/^0?[0-7]{3}$/, { error: 'permissions in octal, for example 0660' })
    .default('0660')
    .describe('Permissions of the sockets that `listen` and `admin.listen` name (`unix:PATH`): who may write to one may connect.'),
  bodyBytes: z.number().int().positive().default(4_194_304).describe('Largest request body in bytes.'),
  keepAliveMs: z.number().int().positive().default(15_000).describe('Pause between comment lines on an idle stream, in ms.'),
})

const pem = (what: string) =>
  z.string().refine((text) => text.includes(`-----BEGIN`), {
    error: `is no ${what} in PEM; give it by reference, for example \`\${file:/etc/signalbox/tls.pem}\``,
  })

export const tlsSettings = z.strictObject({
  cert: pem('certificate').describe('Certificate of the front door with its chain, in PEM.'),
  key: pem('private key').describe('Private key of the certificate, in PEM.'),
  clientCa: pem('certificate')
    .optional()
    .describe(
      'Authorities whose client certificates are believed, in PEM. Clients are asked for one; who has none shows who it is in another way.',
    ),
})

export const sessionSettings = z.strictObject({
  idleMs: z.number().int().positive().default(1_800_000).describe('A legacy session ends after this long without a request, in ms.'),
  most: z.number().int().positive().default(10_000).describe('Legacy sessions at once; the longest idle one makes room.'),
})

export const sseSettings = z.strictObject({
  enabled: z.boolean().default(true).describe('Serve the deprecated HTTP+SSE transport (2024-11-05) at /sse.'),
  owner: z.string().optional().describe('Who is to move the remaining SSE clients; named in the deprecation warning.'),
  sunset: z.iso.date().optional().describe('When /sse goes away; sent as the Sunset header.'),
})

const names = z.array(z.string().min(1)).min(1)

const roleRuleSettings = z
  .strictObject({
    groups: names.optional().describe('The caller is in at least one of these.'),
    scopes: names.optional().describe('The caller’s credential has all of these.'),
    subjects: names.optional().describe('The caller is one of these subjects (`sub`).'),
    issuers: names
      .optional()
      .describe('The caller’s credential is of one of these issuers: where several are trusted, they may name different people alike.'),
    role: z
      .enum(['viewer', 'operator', 'auditor', 'admin'])
      .describe(
        '`viewer` reads metadata; `operator` acts on servers, limits, alerts and tools besides; `auditor` reads arguments and rows of the audit besides; `admin` may do all, keys, grants and configuration too.',
      ),
  })
  .refine(({ groups, scopes, subjects }) => (groups ?? scopes ?? subjects) !== undefined, {
    error: 'says of nobody in particular: give `groups`, `scopes` or `subjects`',
  })

export const adminSettings = z.strictObject({
  listen: z
    .string()
    .regex(/^(off|unix:\/.+|(\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5})$/, {
      error: 'HOST:PORT, for example 127.0.0.1:4281, unix: and an absolute path, or off',
    })
    .optional()
    .describe(
      'Address of the admin door (`/metrics`, `/admin/v1`), or `off`. Default: the port after that of `listen`, so 127.0.0.1:4281; a free one where that is 0; beside a socket, the socket with `-admin` in its name.',
    ),
  roles: z
    .array(roleRuleSettings)
    .default([])
    .describe(
      'Which callers may do what at the admin door, beside the token in `admin.token` of `stateDir`, which may do all. The first that holds of a caller is its role; of whom none holds is refused.',
    ),
})

export const drainSettings = z.strictObject({
  graceMs: z.number().int().positive().default(10_000).describe('How long in-flight calls may take after SIGTERM, in ms.'),
})

export type TlsSettings = z.infer<typeof tlsSettings>
export type HttpSettings = z.infer<typeof httpSettings>
export type SessionSettings = z.infer<typeof sessionSettings>
export type SseSettings = z.infer<typeof sseSettings>
export type DrainSettings = z.infer<typeof drainSettings>
