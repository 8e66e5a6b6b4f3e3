#!/usr/bin/env node
// The program: runs the command line and turns what comes of it into an exit code.
import { forTerminal } from './core/text/terminal.ts'
import { type ExitCode, exit, runCommandLine } from './operate/index.ts'
import { systemClock } from './platform/clock/system-clock.ts'
import { tuneEngine } from './platform/engine/options.ts'
import { endThreads } from './platform/store/sqlite/threads.ts'

tuneEngine()

/** How long a call of SQLite may hold up the end, in ms: one that waits for a lock, and another that waits for the next. */
const lastCallMs = 5_000

let isEnding = false

/** The first code counts: what is ended meanwhile says nothing of it. */
function endNow(code: ExitCode): void {
  if (isEnding) return
  isEnding = true
  // A signal that comes meanwhile ends nothing sooner, and takes the code away.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => undefined)
  endThreads(systemClock, lastCallMs).then((haveEnded) => {
    if (haveEnded) process.exit(code)
    process.stderr.write(
      'The disk or a lock holds a store: the process is killed, since it cannot exit in the middle of a call of SQLite.\n',
    )
    process.kill(process.pid, 'SIGKILL')
  })
}

// A reader that is gone (`signalbox runs ls | head`): what is left to print is nobody's. Commands that serve go on, and listen themselves.
process.stdout.on('error', () => {
  if (process.stdout.listenerCount('error') === 1) endNow(exit.ok)
})
process.stderr.on('error', () => undefined)

runCommandLine(process.argv.slice(2), endNow).then(
  (code) => {
    process.exitCode = code
    // A reader of standard output that is slow still gets all of it; open handles of what has ended do not hold the process.
    process.stdout.write('', () => process.stderr.write('', () => endNow(code)))
  },
  (thrown: unknown) => {
    const told = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
    process.stderr.write(`Signalbox failed: ${forTerminal(told)}\n`)
    endNow(1)
  },
)
