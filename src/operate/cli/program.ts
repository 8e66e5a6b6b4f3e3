// The command line. Each command is a file that is loaded only when it runs; what stands here is names, options and help.
import { Command, CommanderError } from 'commander'
import { defaultAdminUrl, defaultUrl } from '../client/default-urls.ts'
import { packageVersion } from '../package-root.ts'
import { administered } from './administered.ts'
import { NoAnswer } from './ask.ts'
import { addConfig } from './config-commands.ts'
import { type ExitCode, exit, exitMeanings } from './exit.ts'
import { addIncidents } from './incident-commands.ts'
import { addLookingBack } from './look-back.ts'
import { addProbe, addTools } from './tools/program.ts'

/** Runs the command line. Resolves to the exit code; `endNow` ends the process at once. */
export async function runCommandLine(argv: readonly string[], endNow: (code: ExitCode) => void): Promise<ExitCode> {
  let code: ExitCode = exit.ok
  const program = commandLine((outcome) => {
    code = outcome
  }, endNow)
  try {
    await program.parseAsync(argv, { from: 'user' })
    return code
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? exit.ok : exit.usage
    if (thrown instanceof NoAnswer) return exit.interrupted
    throw thrown
  }
}

export function commandLine(done: (code: ExitCode) => void, endNow: (code: ExitCode) => void): Command {
  const program = new Command('signalbox')
  program
    .description('Puts MCP servers of every revision and transport behind one endpoint.')
    .version(packageVersion(), '-v, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand(false)
    .showSuggestionAfterError()
    .configureHelp({ helpWidth: 100 })
    .exitOverride()
    .addHelpText('after', `\nExit codes:\n${exitCodes()}`)

  sources(program.command('up'))
    .description('serve over HTTP until Ctrl-C; without a file: ./signalbox.yaml, else the built-in quickstart')
    .option('--listen <host:port>', 'address to listen on; port 0 takes a free one; unix:PATH a UNIX socket')
    .action(async (options) => done(await (await import('./up.ts')).up(options, endNow)))

  sources(program.command('stdio'))
    .description('serve one desktop client on standard input and output')
    .option('--mount <name>', 'serve one server or toolset only, under its own names')
    .action(async (options) => done(await (await import('./stdio.ts')).stdio(options, endNow)))

  program
    .command('check')
    .description('check a configuration, what it needs on this machine, and whether its servers answer')
    .argument('<file>', 'a signalbox.yaml, or the file of a client (mcp.json)')
    .option('--json', 'print the result as one JSON object')
    .option('--no-connect', 'start and connect nothing')
    .option('--profile <name>', 'check for dev or production')
    .action(async (file, options) => done(await (await import('./check.ts')).check(file, options)))

  program
    .command('ready')
    .description('ask a running gateway whether it serves: exit code 0 if so, for probes of containers and supervisors')
    .option('--url <url>', 'address of the gateway, or its socket (unix:PATH)', defaultUrl)
    .option('--live', 'ask whether the process answers, in place of whether it serves')
    .option('--json', 'print the result as one JSON object')
    .addHelpText('after', '\nExample:\n  signalbox ready --url http://127.0.0.1:4280')
    .action(async (options) => done(await (await import('./ready.ts')).ready(options)))

  program
    .command('ls')
    .description('list what a running gateway serves, and which of its servers are not ready')
    .option('--url <url>', 'endpoint of the gateway, or its socket (unix:PATH)', defaultUrl)
    .option('--token <token>', 'show this access token; else SIGNALBOX_TOKEN, else that of `signalbox login`')
    .option('--admin <url>', 'admin door of the gateway, which knows what is not served and why (default: the port after that of --url)')
    .option('--json', 'print it as one JSON object')
    .action(async (options) => done(await (await import('./ls.ts')).ls(options)))

  program
    .command('call')
    .description('call a tool of a running gateway')
    .argument('<tool>', 'name of the tool, as `signalbox ls` shows it')
    .argument('[json]', 'its arguments as a JSON object', '{}')
    .option('--url <url>', 'endpoint of the gateway, or its socket (unix:PATH)', defaultUrl)
    .option('--token <token>', 'show this access token; else SIGNALBOX_TOKEN, else that of `signalbox login`')
    .option('--json', 'print the whole result as JSON')
    .action(async (tool, json, options) => done(await (await import('./call.ts')).call(tool, json, options)))

  program
    .command('login')
    .description('sign in at a gateway in the browser, for `ls` and `call`')
    .option('--url <url>', 'endpoint of the gateway', defaultUrl)
    .option('--client-id <id>', 'a client that is registered at the authorization server, where it registers none by itself')
    .option('--scope <scopes>', 'scopes to ask for, in place of all that the endpoint knows')
    .option('--out', 'forget the token of the last sign-in')
    .option('--json', 'print the result as one JSON object')
    .addHelpText('after', '\nExample:\n  signalbox login --url https://mcp.example.com/mcp')
    .action(async (options) => done(await (await import('./login.ts')).login(options)))

  const clients = program
    .command('clients')
    .description('list the clients that a running gateway has seen, and how many are on the present transport')
    .helpCommand(false)
  clients
    .option('--url <url>', 'admin door of the gateway (`admin.listen`)', defaultAdminUrl)
    .option('--json', 'print it as one JSON object')
    .action(async (options) => done(await (await import('./clients.ts')).clients(options)))
  configured(clients.command('list'))
    .description(
      'list the clients of the embedded authorization server: those that registered, and those that people have allowed something',
    )
    .option('--json', 'print it as one JSON object')
    .addHelpText('after', '\nExample:\n  signalbox clients list --config signalbox.yaml')
    .action(async (_options, command) => done(await (await import('./registered-clients.ts')).clientsList(command.optsWithGlobals())))
  configured(clients.command('remove'))
    .description(
      'forget a client of the embedded authorization server, with what it was allowed; its tokens are worth nothing within seconds',
    )
    .argument('<id>', 'the id of the client, as `signalbox clients list` shows it')
    .option('--json', 'print it as one JSON object')
    .addHelpText('after', '\nExample:\n  signalbox clients remove https://client.example/metadata.json')
    .action(async (id, _options, command) =>
      done(await (await import('./registered-clients.ts')).clientsRemove(id, command.optsWithGlobals())),
    )

  const upstream = program
    .command('upstream')
    .description('the servers of a running gateway: hold, refuse or let go their calls')
    .helpCommand(false)
  administered(upstream.command('ls'))
    .description('list the servers, how each fares, and each of its endpoints where it has several')
    .addHelpText('after', '\nExample:\n  signalbox upstream ls')
    .action(async (options) => done(await (await import('./upstream.ts')).upstreamList(options)))
  for (const [action, what] of [
    ['pause', 'hold the calls of a server while it is restarted; ends once nothing is at it, exit code 1 if something still is'],
    ['resume', 'let the calls of a server go on, as soon as it answers; exit code 1 if it does not'],
    ['restart', 'pause a server, start its process anew (or connect anew to where it is), and resume it'],
    ['drain', 'refuse the calls of a server, and let those that are at it end; `resume` takes it back'],
  ] as const) {
    administered(upstream.command(action))
      .description(what)
      .argument('<name>', 'name of the server in the configuration')
      .option('--wait <duration>', 'how long that may take', '30s')
      .addHelpText('after', `\nExample:\n  signalbox upstream ${action} tracker`)
      .action(async (name, options) => done(await (await import('./upstream.ts')).upstreamAct(name, action, options)))
  }

  const limits = program
    .command('limits')
    .description('what is used of rates and budgets in a running gateway, and giving it back')
    .helpCommand(false)
  administered(limits.command('show'))
    .description('list the limits of which something is used, those of which the least is left first')
    .addHelpText('after', '\nExample:\n  signalbox limits show')
    .action(async (options) => done(await (await import('./limits.ts')).limitsShow(options)))
  administered(limits.command('clear'))
    .description('give back all that is used of a limit')
    .argument('<key>', 'its key, as `signalbox limits show` shows it')
    .addHelpText('after', '\nExample:\n  signalbox limits clear 4f2a90c1d37b')
    .action(async (key, options) => done(await (await import('./limits.ts')).limitsClear(key, options)))

  addIncidents(program, done)
  addConfig(program, done)

  administered(program.command('tap'))
    .description('watch the calls of a running gateway as they end, and end by itself; arguments (without secrets) for auditors and admins')
    .option('--tool <selector>', 'calls of these tools alone: server, server/name or server/start*')
    .option('--run <id>', 'calls of this run (task of an agent) alone')
    .option('--principal <subject>', 'calls of this caller alone')
    .option('--count <n>', 'end after so many calls', '20')
    .option('--for <duration>', 'end after so long, with fewer calls or none', '60s')
    .addHelpText(
      'after',
      '\nExample:\n  signalbox tap --tool tracker/create_* --count 5 --for 2m\n\nWith --json one object a line. Exit code 0 once it has ended by itself, 1 where the gateway does not answer or ends first.',
    )
    .action(async (options) => done(await (await import('./tap.ts')).tap(options)))

  addLookingBack(program, done)

  addTools(program, done, endNow)
  addProbe(program, done, endNow)

  const policy = program.command('policy').description('what the rules of `access` say, asked without a gateway').helpCommand(false)
  policy
    .command('test')
    .description('try the rules on a table of cases: who, which tool, and whether it is allowed')
    .argument('<file>', 'the cases (YAML): `cases: [{who: {groups: [support]}, tool: tracker/get_issue, expect: allow}]`')
    .option('--config <file>', 'configuration of the gateway; without it ./signalbox.yaml')
    .option('--json', 'print the result as one JSON object')
    .addHelpText(
      'after',
      '\nExample:\n  signalbox policy test access-cases.yaml --config signalbox.yaml\n\n`expect` is allow, step-up or deny; exit code 1 if a case fails.',
    )
    .action(async (file, options) => done(await (await import('./policy.ts')).policyTest(file, options)))
  policy
    .command('explain')
    .description('say why somebody may use a tool or not, rule by rule')
    .requiredOption('--principal <who>', 'a subject, or JSON: {"groups": [], "scopes": [], "sub": "", "client": "", "tenant": ""}')
    .requiredOption('--tool <server/name>', 'the tool by the server’s own name')
    .option('--args <json>', 'arguments of the call, for conditions')
    .option('--config <file>', 'configuration of the gateway; without it ./signalbox.yaml')
    .option('--json', 'print it as one JSON object')
    .addHelpText('after', `\nExample:\n  signalbox policy explain --principal '{"groups": ["support"]}' --tool tracker/get_issue`)
    .action(async (options) => done(await (await import('./policy.ts')).policyExplain(options)))

  const token = program.command('token').description('short-lived tokens of the platform').helpCommand(false)
  configured(token.command('mint'))
    .description('sign a token with the keys of a gateway')
    .requiredOption('--subject <name>', 'who it is for')
    .option('--mount <name>', 'the server or toolset that it is good for; without it /mcp')
    .option('--admin', 'it is good for the admin door, where `admin.roles` says what its subject may do, and for no mount')
    .option('--scope <name...>', 'scopes that it has')
    .option('--group <name...>', 'groups that it has')
    .option('--client <id>', 'the client that it is issued to; without it the subject')
    .option('--tenant <name>', 'the tenant that it belongs to')
    .option('--run <id>', 'the run (task of an agent) that its calls belong to, whatever its bearer states')
    .option('--team <name>', 'the team whose cost its calls are')
    .option('--ttl <duration>', 'its lifetime, at most `auth.platform.ttl`')
    .option('--json', 'print it as one JSON object')
    .addHelpText('after', '\nExample:\n  signalbox token mint --subject nightly-build --mount tracker --scope tickets:read --ttl 2m')
    .action(async (options) => done(await (await import('./token.ts')).tokenMint(options)))

  configured(token.command('revoke'))
    .description('take back a token, or all that a subject or client has now, whoever issued them; within seconds')
    .option('--id <jti>', 'the id of a token, as the audit has it')
    .option('--subject <name>', 'all of a subject')
    .option('--issuer <url>', 'whose subject it is')
    .option('--client <id>', 'all of a client')
    .option('--json', 'print it as one JSON object')
    .addHelpText('after', '\nExample:\n  signalbox token revoke --subject alice --issuer https://idp.example')
    .action(async (options) => done(await (await import('./token.ts')).tokenRevoke(options)))

  const keys = program.command('keys').description('API keys, for programs that know no OAuth').helpCommand(false)
  configured(keys.command('create'))
    .description('make a key; it is shown once')
    .argument('<subject>', 'who it is for')
    .option('--scope <name...>', 'scopes that it has')
    .option('--group <name...>', 'groups that it has')
    .option('--tenant <name>', 'the tenant that it belongs to')
    .option('--lifetime <duration>', 'how long it is good; without it `auth.apiKeys.lifetime`')
    .option('--json', 'print it as one JSON object')
    .addHelpText('after', '\nExample:\n  signalbox keys create report-bot --group readers --lifetime 30d')
    .action(async (subject, options) => done(await (await import('./keys.ts')).keysCreate(subject, options)))
  configured(keys.command('list'))
    .description('list the keys, never the secrets')
    .option('--json', 'print it as one JSON object')
    .addHelpText('after', '\nExample:\n  signalbox keys list')
    .action(async (options) => done(await (await import('./keys.ts')).keysList(options)))
  configured(keys.command('revoke'))
    .description('make a key worth nothing, within seconds')
    .argument('<id>', 'the id of the key, as `signalbox keys list` shows it')
    .option('--json', 'print it as one JSON object')
    .addHelpText('after', '\nExample:\n  signalbox keys revoke 9f2c6a1b0d3e4f58')
    .action(async (id, options) => done(await (await import('./keys.ts')).keysRevoke(id, options)))

  const audit = program
    .command('audit')
    .description('who asked for what, by which right and with what result, and what operators did')
    .helpCommand(false)
  filtered(audit.command('query'))
    .description('list rows, the newest last')
    .option('--from <time>', 'ISO 8601, or how long ago: 15m, 2h, 7d', '24h')
    .option('--most <count>', 'the newest so many', '100')
    .option('--config <file>', 'configuration of the gateway; without it ./signalbox.yaml')
    .option('--json', 'print a JSON object a line')
    .addHelpText('after', '\nExample:\n  signalbox audit query --principal alice --from 2h --denied')
    .action(async (options) => done(await (await import('./audit.ts')).auditQuery(options)))
  filtered(audit.command('export'))
    .description('print all rows that fit, the oldest first, for other tools')
    .option('--format <name>', 'jsonl, csv, or ocsf (Open Cybersecurity Schema Framework 1.5.0, API Activity)', 'jsonl')
    .option('--from <time>', 'ISO 8601, or how long ago: 15m, 2h, 7d')
    .option('--config <file>', 'configuration of the gateway; without it ./signalbox.yaml')
    .addHelpText('after', '\nExample:\n  signalbox audit export --format ocsf --from 1d')
    .action(async (options) => done(await (await import('./audit-export.ts')).auditExport(options)))
  audit
    .command('verify')
    .description('check that no row was changed, taken out or put in; exit code 1 if one was')
    .option('--anchors <file>', 'anchors that were kept elsewhere: lines of the log, or the file of `audit.anchors`')
    .option('--key <file>', 'the public key that signed them (PEM); without it that of the gateway')
    .option('--config <file>', 'configuration of the gateway; without it ./signalbox.yaml')
    .option('--json', 'print it as one JSON object')
    .addHelpText('after', '\nExample:\n  signalbox audit verify --config signalbox.yaml --anchors anchors.jsonl')
    .action(async (options) => done(await (await import('./audit.ts')).auditVerify(options)))

  const grants = program
    .command('grants')
    .description('what users and the gateway itself were granted at servers, and what people allowed clients here')
    .helpCommand(false)
  grants
    .command('list')
    .description('list grants: whose, at which server or for which client, until when; never a token')
    .option('--server <name>', 'at one server')
    .option('--client <id>', 'what people allowed one client at the embedded authorization server')
    .option('--principal <subject>', 'of one subject')
    .option('--config <file>', 'configuration of the gateway; without it ./signalbox.yaml')
    .option('--json', 'print it as one JSON object')
    .addHelpText('after', '\nExample:\n  signalbox grants list --server tracker')
    .action(async (options) => done(await (await import('./grants.ts')).grantsList(options)))
  grants
    .command('revoke')
    .description('take grants back: running gateways use them no more within seconds, and their issuers are told')
    .option('--server <name>', 'at one server')
    .option('--client <id>', 'what people allowed one client at the embedded authorization server')
    .option('--principal <subject>', 'of one subject')
    .option('--all', 'all that there are')
    .option('--config <file>', 'configuration of the gateway; without it ./signalbox.yaml')
    .option('--json', 'print it as one JSON object')
    .addHelpText('after', '\nExample:\n  signalbox grants revoke --principal alice --server tracker')
    .action(async (options) => done(await (await import('./grants.ts')).grantsRevoke(options)))

  program
    .command('operators')
    .description('who may sign in at the embedded authorization server')
    .helpCommand(false)
    .command('link')
    .description('make a link, good once and for a day, by which an operator is added or gets a new password')
    .option('--config <file>', 'configuration of the gateway; without it ./signalbox.yaml')
    .option('--json', 'print it as one JSON object')
    .addHelpText('after', '\nExample:\n  signalbox operators link --config signalbox.yaml')
    .action(async (options) => done(await (await import('./operators.ts')).operatorsLink(options)))

  program
    .command('schema')
    .description('print the JSON Schema of the configuration file')
    .action(async () => done(await (await import('./schema.ts')).schema()))

  return program
}

function filtered(command: Command): Command {
  return command
    .option('--principal <subject>', 'of one subject')
    .option('--tool <server/name>', 'about one tool, or all of a server')
    .option('--run <id>', 'of one run (task of an agent)')
    .option('--call <id>', 'of one call, by its correlation id')
    .option('--team <name>', 'of one team')
    .option('--client <name>', 'of one client program')
    .option('--about <what>', 'of one kind: call, access, content, refused, delivery, grant, operation (what operators did), …')
    .option('--fault <kind>', 'calls that ended with one kind of fault')
    .option('--denied', 'refusals only')
    .option('--suspect', 'calls with doubtful results only')
    .option('--to <time>', 'ISO 8601, or how long ago')
}

function configured(command: Command): Command {
  return command.option('--config <file>', 'configuration of the gateway; without it ./signalbox.yaml')
}

function sources(command: Command): Command {
  return command
    .option('--config <file>', 'configuration of the gateway (YAML)')
    .option('--mcp-json <file>', 'the file of a client: Claude, Cursor, VS Code, Copilot CLI, Windsurf, Gemini CLI, opencode, Zed, Codex')
    .option('--profile <name>', 'dev or production')
}

function exitCodes(): string {
  return Object.entries(exitMeanings)
    .map(([code, meaning]) => `  ${code.padStart(3)}  ${meaning}`)
    .join('\n')
}
