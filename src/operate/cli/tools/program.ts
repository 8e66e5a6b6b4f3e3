// The commands about contracts on the command line: names, options, help.
import type { Command } from 'commander'
import { defaultAdminUrl } from '../../client/default-urls.ts'
import type { ExitCode } from '../exit.ts'
import { toolsExitText } from './exit.ts'

const forms = `
A source is one of
  tools.lock.json       a lock file
  tools.json            a file with the result of a tools/list
  https://host/mcp      any MCP server, or a gateway, of any revision
  npm:name@version      a package of a server, run from a folder that is removed afterwards; arguments behind it
  stdio:node server.js  a program on standard input and output, with its arguments
  tracker               a server of the configuration`

export function addTools(program: Command, done: (code: ExitCode) => void, endNow: (code: ExitCode) => void): void {
  const tools = program
    .command('tools')
    .description('the contracts of tools: admit them, compare them, and see what a change breaks')
    .helpCommand(false)

  telling(sourced(tools.command('diff')))
    .description('say what changed from A to B, and what it means for those who call')
    .argument('<a>', 'a source; alone it is the new one, beside the lock file, unless it is the lock file itself')
    .argument('[b]', 'a source')
    .option('--server <name>', 'one server, of a file or configuration that has several')
    .addHelpText(
      'after',
      `${forms}\n${toolsExitText('diff')}\n\nExamples:\n  signalbox tools diff npm:@acme/server@1.4.0 npm:@acme/server@1.5.0\n  signalbox tools diff tracker`,
    )
    .action(async (a, b, options) => done(await (await import('./diff.ts')).toolsDiff(a, b, options, endNow)))

  telling(sourced(tools.command('check')))
    .description('compare the lock file with what the servers offer now, for continuous integration')
    .argument('[server]', 'a server of the configuration, or another source; without it all of the configuration')
    .option('--fail-on <what>', 'from which changes on it fails: breaking, behavioural or any', 'breaking')
    .option('--as <name>', 'the server of the lock file that the source is')
    .addHelpText(
      'after',
      `${forms}\n${toolsExitText('check')}\n\nExample:\n  signalbox tools check --config signalbox.yaml --sarif contracts.sarif --github`,
    )
    .action(async (server, options) => done(await (await import('./check.ts')).toolsCheck(server, options, endNow)))

  sourced(tools.command('lock'))
    .description('write what the servers offer now into the lock file')
    .argument('[server]', 'a server of the configuration, or another source; without it all of the configuration')
    .option('--update <what>', 'additive: take new tools and additive changes, keep the rest as it was')
    .option('--as <name>', 'the name of the server in the lock file')
    .option('--by <name>', 'who admits them; without it the user of this machine')
    .option('--reason <text>', 'why')
    .option('--json', 'print what became of each as one JSON object')
    .addHelpText(
      'after',
      `${forms}\n${toolsExitText('lock')}\n\nExamples:\n  signalbox tools lock\n  signalbox tools lock tracker --update additive`,
    )
    .action(async (server, options) => done(await (await import('./lock.ts')).toolsLock(server, options, endNow)))

  tools
    .command('ls')
    .description('list the tools that a running gateway knows, or that a lock file has, and what was decided of each')
    .option('--url <url>', 'admin door of the gateway (`admin.listen`)', defaultAdminUrl)
    .option('--lock [file]', 'those of a lock file instead; without a name ./tools.lock.json')
    .option('--json', 'print {tools: [{server, tool, state, …}]}')
    .addHelpText('after', `${toolsExitText('ls')}\n\nExample:\n  signalbox tools ls`)
    .action(async (options) => done(await (await import('./ls.ts')).toolsList(options, endNow)))

  tools
    .command('deprecate')
    .description('plan the end of a tool, in the lock file, which a gateway reads when it starts, or at a running gateway')
    .argument('<tool>', 'server.tool')
    .option('--from <date>', 'from when callers are told; without it today')
    .option('--sunset <date>', 'when it is removed; 90 days later at least')
    .option('--replacement <tool>', 'the tool to use in its place')
    .option('--brownout <when/minutes...>', 'refuse it for a while before, as 2027-02-01T09:00Z/30m')
    .option('--override', 'leave callers less than 90 days; at a gateway: whatever it objects to')
    .option('--reason <text>', 'why; an override at a gateway needs it')
    .option('--url <url>', 'admin door of a running gateway, in place of the lock file')
    .option('--off', 'take the plan back')
    .option('--lock <file>', 'the lock file; without it `versions.lock` of the configuration: tools.lock.json beside it')
    .option('--config <file>', 'configuration of the gateway; without it ./signalbox.yaml')
    .option('--json', 'print the plan as one JSON object')
    .addHelpText(
      'after',
      `${toolsExitText('deprecate')}\n\nExample:\n  signalbox tools deprecate tracker.create_issue --sunset 2027-06-01 --replacement create_issue_v2`,
    )
    .action(async (tool, options) => done(await (await import('./deprecate.ts')).toolsDeprecate(tool, options, endNow)))

  tools
    .command('approve')
    .description('let in the contract of a tool, exactly as it was seen')
    .argument('<tool>', 'server.tool')
    .requiredOption('--expect <digest...>', 'what was seen: c1:…, and h1:… and p1:… where they changed, or x1:… for all of it')
    .option(
      '--adapter [file]',
      'that calls by the old contract are translated, which stays shown: a file, or JSON; without one, as it is proposed',
    )
    .option('--override', 'with --adapter: also where it is not proved; needs --reason')
    .option('--reason <text>', 'why')
    .option('--url <url>', 'admin door of the gateway (`admin.listen`)', defaultAdminUrl)
    .option('--lock [file]', 'in the lock file instead, with what the server of the configuration says now')
    .option('--config <file>', 'configuration of the gateway; without it ./signalbox.yaml')
    .option('--by <name>', 'who approves it in the lock file; without it the user of this machine')
    .option('--json', 'print what it is now as one JSON object')
    .addHelpText(
      'after',
      `${toolsExitText('approve')}\n\nExample:\n  signalbox tools approve tracker.create_issue --expect c1:9c59… --reason 'PR 212'\n  signalbox tools approve tracker.create_issue --expect c1:9c59… --adapter '{"set": {"priority": "low"}, "drop": ["legacy"]}'`,
    )
    .action(async (tool, options) => done(await (await import('./approve.ts')).toolsApprove(tool, options, endNow)))

  tools
    .command('reject')
    .description('keep the change of a tool out, exactly as it was seen; a tool without a change is taken out')
    .argument('<tool>', 'server.tool')
    .requiredOption('--expect <digest...>', 'what was seen, as of `tools approve`')
    .requiredOption('--reason <text>', 'why')
    .option('--url <url>', 'admin door of the gateway (`admin.listen`)', defaultAdminUrl)
    .option('--json', 'print what it is now as one JSON object')
    .addHelpText(
      'after',
      `${toolsExitText('reject')}\n\nExample:\n  signalbox tools reject tracker.create_issue --expect c1:9c59… --reason 'it asks for keys'`,
    )
    .action(async (tool, options) => done(await (await import('./reject.ts')).toolsReject(tool, options, endNow)))
}

export function addProbe(program: Command, done: (code: ExitCode) => void, endNow: (code: ExitCode) => void): void {
  program
    .command('probe')
    .description('compare a server in two environments: by contract, and by what declared calls give')
    .argument('<server>', 'a server of the configuration, an address, npm:name@version, or stdio:program arguments')
    .requiredOption(
      '--against <where>',
      'the environment that callers use now: of another server (`environment`), another server or address, or another configuration (.yaml)',
    )
    .option('--calls <file>', 'calls to make in both (YAML or JSON): `calls: [{tool: search, arguments: {q: a}}]`')
    .option('--allow-writes', 'also call tools that do not say that they only read')
    .option('--values', 'exit code 1 where results differ in values alone')
    .option('--reading <what>', 'declared or strict, as of `tools diff`')
    .option('--config <file>', 'configuration of the gateway; without it ./signalbox.yaml')
    .option('--token <token>', 'show this access token to an address; else that of `signalbox login`')
    .option('--header <name:value...>', 'send this to an address')
    .option('--env <name=value...>', 'environment of a program or package')
    .option('--allow-scripts', 'let a package run its install scripts')
    .option('--json', 'print {verdict, tools: [{tool, verdict, changes}], calls: [{tool, verdict, shapes, values}]}')
    .addHelpText(
      'after',
      `${toolsExitText('probe')}\n\nExample:\n  signalbox probe tracker-staging --against production --calls probe.yaml`,
    )
    .action(async (server, options) => done(await (await import('../probe.ts')).probe(server, options, endNow)))
}

/** Where contracts come from. */
function sourced(command: Command): Command {
  return command
    .option('--config <file>', 'configuration of the gateway; without it ./signalbox.yaml')
    .option('--lock <file>', 'the lock file; without it `versions.lock` of the configuration: tools.lock.json beside it')
    .option('--token <token>', 'show this access token to an address; else that of `signalbox login`')
    .option('--header <name:value...>', 'send this to an address')
    .option('--env <name=value...>', 'environment of a program or package')
    .option('--allow-scripts', 'let a package run its install scripts')
}

function telling(command: Command): Command {
  return command
    .option(
      '--reading <what>',
      'declared: callers send what schemas name; strict: whatever schemas let pass; without it `versions.reading`, else declared',
    )
    .option('--json', 'print {verdict, tools: [{tool, verdict, changes}]}')
    .option('--sarif <file>', 'write it as SARIF 2.1.0 as well')
    .option('--github', 'print annotations for GitHub as well, at the lines of the lock file')
}
