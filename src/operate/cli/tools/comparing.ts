// What `tools diff` and `tools check` have in common: the comparison is told, and put where continuous integration looks for it.
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { createContractJudge } from '../../../assembly/contracts.ts'
import type { Reading } from '../../../core/call/contract.ts'
import { jsonForTerminal } from '../../../core/text/terminal.ts'
import type { IgnoreRule } from '../../../gateway/contracts/index.ts'
import { systemClock } from '../../../platform/clock/system-clock.ts'
import { type Comparison, compareContracts } from '../../contracts/compare.ts'
import { CannotTell, type Contracts } from '../../contracts/contracts.ts'
import { githubAnnotations, type Place, sarif } from '../../contracts/findings.ts'
import { comparisonData, comparisonText } from '../../contracts/told.ts'
import { styleFor } from '../../text.ts'

export interface TellingOptions {
  readonly json?: boolean
  readonly sarif?: string
  readonly github?: boolean
}

/** Throws `CannotTell` for a word that is neither. */
export function readingOf(text: string | undefined, otherwise: Reading): Reading {
  if (text === undefined) return otherwise
  if (text === 'declared' || text === 'strict') return text
  throw new CannotTell('--reading is declared or strict')
}

export async function compared(old: Contracts, now: Contracts, reading: Reading, ignore: readonly IgnoreRule[] = []): Promise<Comparison> {
  const judge = createContractJudge(systemClock)
  try {
    return await compareContracts(old, now, { reading, judge, ignore, nowMs: systemClock.now() })
  } finally {
    await judge.close()
  }
}

export function tellComparison(comparison: Comparison, exitCode: number, place: Place | undefined, options: TellingOptions): void {
  if (options.sarif !== undefined) writeText(options.sarif, sarif(comparison, place))
  const annotations = options.github === true ? githubAnnotations(comparison, place) : ''
  if (options.json === true) {
    process.stdout.write(`${jsonForTerminal(JSON.stringify(comparisonData(comparison, exitCode)))}\n`)
    process.stderr.write(annotations)
  } else process.stdout.write(`${comparisonText(comparison, exitCode, styleFor(process.stdout))}${annotations}`)
}

function writeText(file: string, text: string): void {
  try {
    writeFileSync(resolve(process.cwd(), file), text)
  } catch (error) {
    throw new CannotTell(`${file} cannot be written (${(error as NodeJS.ErrnoException).code})`)
  }
}
