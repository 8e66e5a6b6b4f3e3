#!/usr/bin/env node
// The program: runs the command line and turns what comes of it into an exit code.
import { forTerminal } from './core/text/terminal.ts'
import { type ExitCode, runCommandLine } from './operate/index.ts'
import { inlineMore } from './platform/engine/inlining.ts'

inlineMore()

const endNow = (code: ExitCode): void => process.exit(code)

runCommandLine(process.argv.slice(2), endNow).then(
  (code) => {
    process.exitCode = code
    // A reader of standard output that is slow still gets all of it; open handles of what has ended do not hold the process.
    process.stdout.write('', () => process.stderr.write('', () => process.exit(code)))
  },
  (thrown: unknown) => {
    const told = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
    process.stderr.write(`Signalbox failed: ${forTerminal(told)}\n`)
    process.exit(1)
  },
)
