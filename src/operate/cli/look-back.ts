// The commands that look back at what agents did and what it cost: names, options and help.
import type { Command } from 'commander'
import type { ExitCode } from './exit.ts'

export function addLookingBack(program: Command, done: (code: ExitCode) => void): void {
  const runs = program.command('runs').description('what agents did, from the audit').helpCommand(false)
  narrowing(kept(runs.command('ls')))
    .description('list runs, the one with the latest call first')
    .option('--fault <kind>', 'only runs with a call that ended so; `*` any fault')
    .option('--cost <amount>', 'only runs that cost at least so much')
    .option('--most <runs>', 'at most so many', '50')
    .option('--url <url>', 'ask the admin door of a running gateway in place of its files')
    .addHelpText('after', '\nExample:\n  signalbox runs ls --from 2h --fault upstream_timeout')
    .action(async (options) => done(await (await import('./runs.ts')).runsList(options)))
  kept(runs.command('show'))
    .description('print what a run did, in order: its turns and calls, with arguments, times, outcomes, cost and why')
    .argument('<run>', 'its id, as `signalbox runs ls`, a log line or a fault has it')
    .option('--principal <subject>', 'of two that have a run of the same id')
    .option('--url <url>', 'ask the admin door of a running gateway in place of its files')
    .addHelpText('after', '\nExample:\n  signalbox runs show ticket-4711')
    .action(async (run, options) => done(await (await import('./runs.ts')).runsShow(run, options)))

  const cost = program.command('cost').description('what calls cost, from the audit').helpCommand(false)
  narrowing(kept(cost.command('report')))
    .description('add up calls, tokens and cost by team, tool, server, principal, client, run, day or hour')
    .option('--by <dimensions>', 'what to tell apart, with commas', 'team,tool')
    .option('--csv', 'print it for a spreadsheet')
    .addHelpText('after', '\nExample:\n  signalbox cost report --by team,day --from 30d')
    .action(async (options) => done(await (await import('./cost.ts')).costReport(options)))
}

/** Of commands that read what a gateway keeps, whether it runs or not. */
function kept(command: Command): Command {
  return command
    .option('--config <file>', 'configuration of the gateway; without it ./signalbox.yaml, else the quickstart')
    .option('--json', 'print it as JSON')
}

function narrowing(command: Command): Command {
  return command
    .option('--from <time>', 'a time in ISO 8601, or how long ago: 90m, 2h, 30d')
    .option('--to <time>', 'as --from')
    .option('--principal <subject>', 'only what this subject did')
    .option('--tool <server/name>', 'only calls of this tool or server')
    .option('--team <team>', 'only what this team pays for')
    .option('--client <name>', 'only what this client program did')
}
