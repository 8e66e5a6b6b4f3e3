// Writes what is generated from the code: the JSON Schema of the configuration, the OpenAPI document of the admin door, the pages
// configuration, faults, cli and metrics, the stage table in architecture, the table of addresses in admin-api, and the dashboards.
// `--check` writes nothing and exits 1 where a file is stale. Runs from dist/, so build first.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { adminApiPage } from './generate/admin-api.mjs'
import { alertsPage } from './generate/alerts.mjs'
import { dashboardFiles } from './generate/dashboards.mjs'
import { evidenceTable } from './generate/evidence.mjs'
import { metricsPage } from './generate/metrics.mjs'
import { architecturePage } from './generate/stages.mjs'
import { root } from './set-up.mjs'

/** A name that a module does not export is an error here, so that no page says `undefined` of it. */
const load = async (path) =>
  new Proxy(await import(new URL(`../dist/${path}`, import.meta.url).href), {
    get(module, name) {
      // Asked by `await` of every value.
      if (name === 'then') return undefined
      if (!Object.hasOwn(module, name)) throw new Error(`${path} exports no ${String(name)}`)
      return module[name]
    },
  })
const { catalogue } = await load('core/faults/catalogue.js')
const { configurationSchema } = await load('operate/cli/schema.js')
const { commandLine, exitMeanings, toolsExitMeanings } = await load('operate/index.js')

const { adminDocument } = await load('downstream/admin/app.js')
const document = await adminDocument()

const note = (from) => `<!-- Generated from ${from} by \`npm run generate\`. Do not edit. -->\n\n`

const files = {
  'schema/signalbox.schema.json': `${JSON.stringify(configurationSchema(), null, 2)}\n`,
  'docs/configuration.md': configurationPage(configurationSchema()),
  'docs/faults.md': faultsPage(await evidenceTable(load)),
  'docs/cli.md': cliPage(),
  'schema/admin-openapi.json': `${JSON.stringify(document, null, 2)}\n`,
  'docs/admin-api.md': adminApiPage(document),
  'docs/metrics.md': await metricsPage(load, note),
  'docs/architecture.md': await architecturePage(load),
  'docs/alerts.md': await alertsPage(load),
  ...dashboardFiles(),
}

const check = process.argv.includes('--check')
const stale = Object.entries(files).filter(
  ([path, text]) => !existsSync(join(root, path)) || readFileSync(join(root, path), 'utf8') !== text,
)
for (const [path, text] of stale) {
  if (check) continue
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}
if (check && stale.length > 0) {
  process.stderr.write(`Stale: ${stale.map(([path]) => path).join(', ')}. Run \`npm run generate\` and commit the result.\n`)
  process.exitCode = 1
} else process.stdout.write(stale.length === 0 ? 'Generated files are up to date.\n' : `Wrote ${stale.map(([path]) => path).join(', ')}.\n`)

function configurationPage(schema) {
  const rows = rowsOf(schema, '')
  const table = rows.map((row) => `| \`${row.key}\` | ${row.type} | ${row.default} | ${row.description} |`).join('\n')
  return `# Configuration

${note('the settings of the rooms (`src/*/settings.ts`)')}One YAML file. \`signalbox up\` takes \`--config FILE\`, else \`./signalbox.yaml\`, else the [built-in quickstart](../examples/quickstart.yaml).
\`signalbox check FILE\` tells every problem with file, line, column, key and the mend, and whether this machine has what the file names.

Editors complete and check the file with its JSON Schema ([schema/signalbox.schema.json](../schema/signalbox.schema.json), also \`signalbox schema\`):

\`\`\`yaml
# yaml-language-server: $schema=./schema/signalbox.schema.json
listen: 127.0.0.1:4280
servers:
  files:
    command: npx
    args: [-y, '@modelcontextprotocol/server-filesystem@2026.8.31', '\${dir:home}/Documents']
  tracker:
    url: https://tracker.example/mcp
    headers:
      Authorization: Bearer \${env:TRACKER_TOKEN}
\`\`\`

## References

Inside text values, after the file is parsed (so a value can never add keys):

| Reference | Gives |
|---|---|
| \`\${env:NAME}\` | the environment variable; missing or empty is a problem that names it |
| \`\${env:NAME:-default}\` | the same, or the default |
| \`\${file:PATH}\` | the content of a file without its last line break; relative to the configuration file |
| \`\${dir:config}\`, \`\${dir:cwd}\`, \`\${dir:home}\`, \`\${dir:state}\`, \`\${dir:package}\` | the folder of the configuration file, of the start, of the user, \`.signalbox\` below the start, of Signalbox itself |
| \`$\${\` | a literal \`\${\` |

What \`env\` and \`file\` give is treated as secret: it stands in no log and no fault. A variable or file that is missing under \`servers.NAME\`
breaks that server alone; it is named with the reason, the others are served. In the production profile a secret file that other users can
read is refused; one of root that only the gateway's own group may read is not.

## Relative paths

\`cwd\` and \`stateDir\` start from the folder of the configuration file, which is also the default \`cwd\` of stdio servers; \`sslrootcert\` of \`stores.durable\` too. There is no shell:
\`~\`, \`$NAME\` and globs in \`command\` and \`args\` are not expanded.

## Forward proxies

HTTP servers are reached through the proxy that \`HTTP_PROXY\`, \`HTTPS_PROXY\` or \`ALL_PROXY\` of the gateway's environment names, less what
\`NO_PROXY\` lists; servers on this machine never are. See [operations.md](operations.md#forward-proxies). Stdio servers do not inherit these
variables: give them under \`env\` where one needs them.

## Profiles

\`dev\` is the default. \`production\` needs \`stateDir\` and \`access\`, and refuses \`log.level: trace\`, callers that nobody asks who they are,
secrets that stand in the file, secret files that others can read, headers that would cross the network over plain http, and the built-in
quickstart. Beyond loopback both listen only where callers are asked who they are (\`auth\`) and \`publicUrl\` says the https address that
they use: with \`tls\`, or behind a proxy that does it. The admin door asks for the token in the file admin.token of \`stateDir\`. \`examples/production.yaml\` is a file to copy.

## Without a restart

\`servers\` and \`toolsets\` come into force while the gateway runs, once the file is written; a change of any other key is refused with its name until
the gateway is started again ([operations.md](operations.md#another-configuration)).

## Files of clients

\`--mcp-json FILE\` takes the file of a client as it is: JSON with comments and trailing commas, TOML, or YAML.

| Client | Where its servers stand | What is its own |
|---|---|---|
| Claude Desktop, Claude Code, Cursor, Cline, Roo Code | \`mcpServers\` | \`\${VAR}\`, \`\${VAR:-default}\`, \`\${env:VAR}\`, \`envFile\` |
| VS Code | \`servers\` (in settings \`mcp.servers\`) | \`inputs\`, \`\${input:ID}\`, \`\${workspaceFolder}\`, \`\${workspaceFolderBasename}\`, \`\${userHome}\`, \`\${/}\` |
| GitHub Copilot CLI | \`mcpServers\` | \`type: local\`; \`$VAR\` in a file below \`.copilot\` |
| Windsurf | \`mcpServers\` | \`serverUrl\`, \`\${file:PATH}\` |
| Gemini CLI | \`mcpServers\` | \`httpUrl\`, \`$VAR\`, \`mcp.allowed\`, \`mcp.excluded\` |
| opencode | \`mcp\` (second form: \`mcp.servers\`) | \`type: local\` and \`remote\`, \`command\` as a list, \`environment\`, \`{env:VAR}\`, \`{file:PATH}\` |
| Zed | \`context_servers\` | \`command\` as a mapping of \`path\`, \`args\` and \`env\`; no variables |
| Codex | \`[mcp_servers.NAME]\` in TOML | \`env_vars\`, \`bearer_token_env_var\`, \`http_headers\`, \`env_http_headers\`; no variables |
| Continue, goose | a list under \`mcpServers\`; \`extensions\` | \`requestOptions.headers\`; \`cmd\`, \`envs\`, \`uri\` |

A mapping or list of servers without a word around it is taken as well. What belongs to the client alone (\`trust\`, \`autoApprove\`, \`tools\`,
\`timeout\`, \`oauth\`, …) is not taken over, and each such key is named with what to do in its stead.

An entry that cannot work (no \`command\` or \`url\`, \`type: ws\`, an address without scheme, a missing variable) breaks itself alone: it is
named with file, place and mend, and the others are served. An entry with \`disabled: true\` or \`enabled: false\` is not read at all. \`null\` and
empty text are nothing; a number, true or false is the text that is written. Inputs are asked on the terminal; without one, set
\`SIGNALBOX_INPUT_<ID>\`.

## Names and text

Names of servers and toolsets are 1 to 24 of \`a-z\`, \`0-9\` and \`-\`. Others are made fit: \`my_server\` is \`my-server\`, \`GitHub\` is \`github\`,
with a warning that says so. In a file of your own two names that become one are an error; in the file of a client each
of them gets four characters of its hash.

Where text is wanted (\`env\`, \`args\`, \`headers\`, …) a number, true or false is taken exactly as it is written: \`PORT: 8080\`, and \`1.10\` stays
\`1.10\`. Nothing (\`~\`, \`null\`, or no value) is an error there: write \`""\` for empty text.

## Keys

| Key | Type | Default | Meaning |
|---|---|---|---|
${table}
`
}

function rowsOf(schema, prefix) {
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    const key = prefix + name
    const own = { key, type: typeOf(property), default: defaultOf(property), description: escaped(property.description ?? '') }
    const named = property.additionalProperties
    if (named?.properties !== undefined) return [own, ...rowsOf(named, `${key}.NAME.`)]
    if (property.items?.properties !== undefined) return [own, ...rowsOf(property.items, `${key}[].`)]
    return property.properties === undefined ? [own] : [own, ...rowsOf(property, `${key}.`)]
  })
}

function typeOf(property) {
  if (property.anyOf !== undefined) return property.anyOf.map(typeOf).join(' or ')
  if (property.enum !== undefined) return property.enum.map((value) => `\`${value}\``).join(' ')
  if (property.type === 'array') return `list of ${typeOf(property.items ?? {})}`
  if (property.type === 'object')
    return property.properties === undefined ? `mapping to ${typeOf(property.additionalProperties ?? {})}` : 'mapping'
  return { string: 'text', integer: 'whole number', number: 'number', boolean: 'true or false' }[property.type] ?? 'any'
}

function defaultOf(property) {
  if (property.default === undefined || (typeof property.default === 'object' && Object.keys(property.default).length === 0)) return ''
  return `\`${JSON.stringify(property.default).replace(/^"|"$/g, '')}\``
}

function escaped(text) {
  return text.replace(/\|/g, '\\|').replace(/\n/g, ' ')
}

function faultsPage(table) {
  const categories = ['tool', 'configuration', 'transport', 'authentication', 'integration']
  const sections = categories.map((category) => {
    const kinds = Object.entries(catalogue).filter(([, entry]) => entry.category === category)
    return `## Category: ${category}\n\n${kinds.map(([kind, entry]) => faultSection(kind, entry)).join('\n')}`
  })
  return `# Faults

${note('the fault catalogue (`src/core/faults/`)')}Every failure is exactly one of these kinds, and every kind belongs to exactly one of five categories: ${categories.join(', ')}. Metrics, logs and
answers carry kind and category.

Towards an agent a fault of \`tools/call\` is a tool result with \`isError: true\`, a text block with the sentence below and the typed fault under
\`signalbox.dev/\` in \`_meta\`; everywhere else, and where the request itself is bad, it is a JSON-RPC error with the code below and the
typed fault in \`data\`. Where the fault was recognised in what a server said (\`"suspect": "auth_text"\`), its texts follow as further blocks, or
stand in \`data\` as \`signalbox.dev/said\`. Names in braces are filled in, {effect} with what is known of the side effect.

## What is sent again

${table}
### Which tools may be called twice

Those that declare \`readOnlyHint\` (and not \`destructiveHint\`) or \`idempotentHint\`. These are claims of the server and are believed for this alone: a tool
that lies about itself may be executed twice after a lost answer. Nothing is allowed to anybody by them.

Configuration has the last word ([configuration.md](configuration.md)), tool by tool or for many at once:

\`\`\`yaml
tools:
  'billing/create_*': {idempotent: false}  # once at most where nobody knows, whatever the server says
  'files/write_file': {idempotent: true}   # the same file, the same bytes: twice is as good as once
  'pager/*': {retry: never}                # nothing is sent again, also not what surely was not executed
\`\`\`

With \`idempotent\` go both what the gateway sends again and what the agent is told (\`retryable\`); \`retry: never\` binds the gateway alone.

${sections.join('\n')}`
}

function faultSection(kind, entry) {
  return `### ${kind}

| Category | JSON-RPC code | HTTP status | Same request may succeed later | The request itself is bad |
|---|---|---|---|---|
| ${entry.category} | ${entry.code} | ${entry.status} | ${entry.retryable ? 'yes' : 'no'} | ${entry.protocol ? 'yes' : 'no'} |

- What the agent reads: ${entry.agent}
- What the operator does: ${entry.operator}
`
}

function cliPage() {
  const program = commandLine(
    () => {},
    () => {},
  )
  const help = (command, names, level) => [
    `${'#'.repeat(level)} ${names}\n\n\`\`\`text\n${command.helpInformation().trim()}\n\`\`\`\n`,
    ...command.commands.flatMap((inner) => help(inner, `${names} ${inner.name()}`, level + 1)),
  ]
  const helps = program.commands.flatMap((command) => help(command, `signalbox ${command.name()}`, 2))
  const codes = Object.entries(exitMeanings).map(([code, meaning]) => `| ${code} | ${meaning} |`)
  const ownCodes = Object.entries(toolsExitMeanings).flatMap(([command, meanings]) =>
    Object.entries(meanings).map(
      ([code, meaning]) => `| \`${command === 'probe' ? command : `tools ${command}`}\` | ${code} | ${meaning} |`,
    ),
  )
  return `# Command line

${note('the command line itself (`src/operate/cli/`)')}\`\`\`text
${program.helpInformation().trim()}
\`\`\`

${helps.join('\n')}
## Output

Standard output is for programs: \`up\` prints one JSON line, \`{"listening", "host", "port", "admin", "servers"}\`, as soon as it listens; \`stdio\` speaks the
protocol there and nothing else; \`check\`, \`ls\` and \`call\` take \`--json\`. Tables, progress and the log go to standard error.

\`ls\` and \`call\` talk to the front door, \`clients\` to the admin door: where \`admin.listen\` is not the default, name it with \`--url\`; \`up\` prints it as \`admin\`.

The first SIGTERM or Ctrl-C drains: calls in flight may finish within \`drain.graceMs\`. A second Ctrl-C ends at once.

## Exit codes

| Code | Meaning |
|---|---|
${codes.join('\n')}

\`tools\` and \`probe\` have exit codes of their own, by which continuous integration tells what was found:

| Command | Code | Meaning |
|---|---|---|
${ownCodes.join('\n')}
`
}
