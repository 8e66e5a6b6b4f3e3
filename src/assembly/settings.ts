// The one place where the rooms' settings become the configuration file. Types, JSON Schema, docs table and defaults all come from here.
import { z } from 'zod'
import { embeddedSettings } from '../authorization-server/settings.ts'
import {
  adminSettings,
  drainSettings,
  httpSettings,
  listenAddress,
  sessionSettings,
  sseSettings,
  tlsSettings,
} from '../downstream/settings.ts'
import { accessSettings } from '../gateway/access/settings.ts'
import { toolsetSettings } from '../gateway/catalog/settings.ts'
import { governanceSettings, versionSettings } from '../gateway/contracts/settings.ts'
import { connectSettings, upstreamAuthSettings } from '../gateway/credentials/settings.ts'
import { callerSettings } from '../gateway/identity/settings.ts'
import { budgetSettings, limitSettings, loopSettings, priceSettings } from '../gateway/limits/settings.ts'
import { qualitySettings } from '../gateway/quality/settings.ts'
import { objectiveSettings, promptsSettings, resourcesSettings, toolsSettings } from '../gateway/tools/settings.ts'
import { alertSettings } from '../observe/alerts/settings.ts'
import { auditSettings, logSettings, redactSettings, telemetrySettings } from '../observe/settings.ts'
import { storeSettings } from '../platform/store/settings.ts'
import { vaultSettings } from '../platform/vault/settings.ts'
import { serverSettings, timeoutSettings } from '../upstream/settings.ts'

const mountName = z.string().regex(/^[a-z0-9-]{1,24}$/, { error: 'a name of 1 to 24 characters: a-z, 0-9, -' })

const authSettings = callerSettings.extend({
  embedded: embeddedSettings
    .prefault({})
    .describe('The authorization server of the gateway itself, at `/oauth`: sign-in and consent for clients of teams that have none.'),
})

export const settingsSchema = z.strictObject({
  profile: z.enum(['dev', 'production']).default('dev').describe('`production` refuses what is only good for development.'),
  listen: listenAddress
    .default('127.0.0.1:4280')
    .describe('Address of the front door: HOST:PORT, where port 0 takes a free one, or `unix:PATH` for a UNIX socket.'),
  publicUrl: z
    .url({ protocol: /^https?$/ })
    .refine((text) => !/[?#]/.test(text), { error: 'has a query or fragment; give scheme, host and path alone' })
    .optional()
    .describe(
      'Address under which clients reach the front door, for example https://mcp.example.com: what metadata, challenges and links say. Default: the address that it listens on. It is never taken from a request.',
    ),
  auth: authSettings.prefault({}).describe('Who may call.'),
  tls: tlsSettings
    .optional()
    .describe('Serve the front door over TLS. Absent: plain HTTP, for this machine or behind a proxy that does it.'),
  servers: z
    .record(
      mountName,
      serverSettings.safeExtend({
        auth: upstreamAuthSettings.optional(),
        ...governanceSettings.shape,
        objective: objectiveSettings.optional().describe('What is wanted of all calls of the server together (docs/alerts.md#objectives).'),
      }),
    )
    .default({})
    .describe('The MCP servers behind the gateway, by the name they get in /mcp/{name} and in tool names.'),
  connect: connectSettings.prefault({}).describe('Pages at which users link their accounts at servers.'),
  toolsets: z.record(mountName, toolsetSettings).default({}).describe('Named selections, served at /mcp/{name}.'),
  tools: toolsSettings
    .default({})
    .describe(
      'Settings of tools, by selector: `server`, `server/name`, `server/start*` or `*`. Names are the upstream’s own. Of several that select a tool the more exact one wins, key by key.',
    ),
  prompts: promptsSettings.default({}).describe('Rates of prompts, by selector, as `tools` has those of tools.'),
  resources: resourcesSettings
    .default({})
    .describe(
      'Rates of resources, by selector: of their URI, or of a URI template as a list shows it. What comes from one template counts together, the files of one skill too, and what no list has counts by the selectors that select it.',
    ),
  versions: versionSettings.prefault({}).describe('Contracts of tools: what becomes of them when a server changes them.'),
  quality: qualitySettings.prefault({}).describe('Results of tools that are judged, not trusted.'),
  access: accessSettings
    .optional()
    .describe(
      'Who may use what, rule by rule: the first that grants an item decides, and what none grants is denied. Absent: everything is allowed, in the dev profile only.',
    ),
  timeouts: timeoutSettings.prefault({}).describe('Time limits of every server.'),
  limits: limitSettings.prefault({}).describe('Bounds on size, number and failure.'),
  budgets: budgetSettings
    .prefault({})
    .describe('How much of what is served here agents may use: calls of tools, prompts and resources. Off where nothing is said.'),
  prices: priceSettings.prefault({}).describe('What calls cost.'),
  loops: loopSettings.prefault({}).describe('Agents that repeat themselves.'),
  http: httpSettings.prefault({}).describe('The HTTP door.'),
  sessions: sessionSettings.prefault({}).describe('Sessions of legacy clients.'),
  sse: sseSettings.prefault({}).describe('The deprecated HTTP+SSE door.'),
  admin: adminSettings.prefault({}).describe("The operators' door."),
  drain: drainSettings.prefault({}).describe('Shutting down.'),
  log: logSettings.prefault({}).describe('The log.'),
  telemetry: telemetrySettings.prefault({}).describe('What is measured beside the metrics that cost nothing.'),
  redact: redactSettings
    .prefault({})
    .describe(
      'What is redacted wherever it would be written down, beside the secrets and personal data that are recognised without it (docs/redaction.md).',
    ),
  audit: auditSettings.prefault({}).describe('The audit of decisions.'),
  stores: storeSettings.prefault({}).describe('Where state is kept.'),
  alerts: alertSettings.prefault({}).describe('Who is told of incidents.'),
  vault: vaultSettings.prefault({}).describe('Encryption of the secrets that are kept in the store.'),
  stateDir: z
    .string()
    .optional()
    .describe(
      'Folder for what outlives a restart: sealing key, last known catalogues, inventory of clients, what sessions go on with. Several gateways of one machine may share it. `off`: nothing outlives one. Default: `.signalbox` below the start in dev, required in production.',
    ),
})

export type Settings = z.infer<typeof settingsSchema>
