// The commands of `signalbox config`: names, options and help.
import type { Command } from 'commander'
import { administered } from './administered.ts'
import type { ExitCode } from './exit.ts'

export function addConfig(program: Command, done: (code: ExitCode) => void): void {
  const config = program
    .command('config')
    .description('the configuration of a running gateway: put another into force, see what was, and go back')
    .helpCommand(false)
  administered(config.command('reload'))
    .description('put into force what the file says now, without a restart; exit code 10 where it is refused, and the one before stays')
    .addHelpText('after', '\nExample:\n  signalbox config reload')
    .action(async (options) => done(await (await import('./config.ts')).configReload(options)))
  administered(config.command('diff'))
    .description('show what is another: in the file than in force, in force than in revision A, or in revision B than in A')
    .argument('[a]', 'number of a revision')
    .argument('[b]', 'number of another')
    .addHelpText('after', '\nExample:\n  signalbox config diff 3 4')
    .action(async (a, b, options) => done(await (await import('./config.ts')).configDiff(a, b, options)))
  administered(config.command('history'))
    .description('list the configurations that were in force, the latest first: since when, and by whom')
    .addHelpText('after', '\nExample:\n  signalbox config history')
    .action(async (options) => done(await (await import('./config.ts')).configHistory(options)))
  administered(config.command('rollback'))
    .description('put a configuration of before into force again, as a new revision; the file stays as it is')
    .argument('<revision>', 'its number, as `signalbox config history` shows it')
    .addHelpText('after', '\nExample:\n  signalbox config rollback 3')
    .action(async (revision, options) => done(await (await import('./config.ts')).configRollback(revision, options)))
}
