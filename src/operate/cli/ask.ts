// Asks a person on the terminal. Questions go to standard error, since standard output may be read by a program.

import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { forTerminal } from '../../core/text/terminal.ts'
import type { ClientInput } from '../../platform/config/index.ts'

/** Whether there is somebody to ask. */
export function hasTerminal(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true
}

/** The person pressed Ctrl-C or Ctrl-D in place of an answer. */
export class NoAnswer extends Error {}

/** One line. `hidden` does not show what is typed. Rejects with `NoAnswer`. */
export async function askLine(question: string, hidden: boolean): Promise<string> {
  let muted = false
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (!muted) process.stderr.write(chunk)
      done()
    },
  })
  const lines = createInterface({ input: process.stdin, output, terminal: true })
  const left = new Promise<never>((_, reject) => {
    const leave = () => reject(new NoAnswer())
    lines.once('SIGINT', leave)
    lines.once('close', leave)
  })
  try {
    const answer = lines.question(forTerminal(question))
    muted = hidden
    return await Promise.race([answer, left])
  } finally {
    left.catch(() => undefined)
    lines.close()
    if (hidden) process.stderr.write('\n')
  }
}

/** Answers an `inputs` entry of a VS Code file. */
export async function askInput(input: ClientInput): Promise<string> {
  const choices = input.options === undefined ? '' : ` (${input.options.join(', ')})`
  const preset = input.default === undefined || input.password ? '' : ` [${input.default}]`
  for (;;) {
    const answer = await askLine(`${input.description}${choices}${preset}: `, input.password)
    const value = answer === '' ? (input.default ?? '') : answer
    if (input.options === undefined || input.options.includes(value)) return value
  }
}
