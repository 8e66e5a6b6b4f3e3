// The commands about contracts on the command line: names, options, help.
import type { Command } from 'commander'
import { defaultAdminUrl } from '../default-urls.ts'
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
}

/** Where contracts come from. */
function sourced(command: Command): Command {
  return command
    .option('--config <file>', 'configuration of the gateway; without it ./signalbox.yaml')
    .option('--lock <file>', 'the lock file; without it tools.lock.json beside the configuration')
    .option('--token <token>', 'show this access token to an address; else that of `signalbox login`')
    .option('--header <name:value...>', 'send this to an address')
    .option('--env <name=value...>', 'environment of a program or package')
    .option('--allow-scripts', 'let a package run its install scripts')
}

function telling(command: Command): Command {
  return command
    .option('--reading <what>', 'declared: callers send what schemas name; strict: whatever schemas let pass', 'declared')
    .option('--json', 'print {verdict, tools: [{tool, verdict, changes}]}')
    .option('--sarif <file>', 'write it as SARIF 2.1.0 as well')
    .option('--github', 'print annotations for GitHub as well, at the lines of the lock file')
}

export function administered(command: Command): Command {
  return command.option('--url <url>', 'admin door of the gateway (`admin.listen`)', defaultAdminUrl)
}
