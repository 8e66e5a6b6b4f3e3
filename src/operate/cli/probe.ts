// `signalbox probe SERVER --against ENV`: whether a server is the same in two environments, by contract and by what declared calls give.
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import { breaks } from '../../core/call/contract.ts'
import { forTerminal, jsonForTerminal, onOneLine } from '../../core/text/terminal.ts'
import { formatProblem, readConfigFile } from '../../platform/config/index.ts'
import type { Loaded } from '../configuration/load.ts'
import type { Comparison } from '../contracts/compare.ts'
import { CannotTell } from '../contracts/contracts.ts'
import { admitCalls, type ProbeCall, type ProbedCall, probeCalls } from '../contracts/probing.ts'
import { type LiveSource, listSource, openSource, type ReadingOptions } from '../contracts/read-contracts.ts'
import type { Difference } from '../contracts/shape.ts'
import { readSource, type Source } from '../contracts/source.ts'
import { comparisonData, comparisonText } from '../contracts/told.ts'
import { type Style, styleFor } from '../text.ts'
import type { ExitCode } from './exit.ts'
import { compared } from './tools/comparing.ts'
import { type ToolsExit, toolsExit } from './tools/exit.ts'
import { forSecond, interruptible, readingFor, readingOptions, type SourceOptions } from './tools/run.ts'

export interface ProbeOptions extends SourceOptions {
  readonly against: string
  readonly calls?: string
  readonly allowWrites?: boolean
  readonly values?: boolean
  readonly reading?: string
  readonly json?: boolean
}

const call = z.strictObject({ tool: z.string().min(1), arguments: z.record(z.string(), z.unknown()).default({}) })
const callsFile = z.union([z.strictObject({ calls: z.array(call).min(1) }), z.array(call).min(1)])

export function probe(server: string, options: ProbeOptions, endNow: (code: ExitCode) => void): Promise<ExitCode> {
  return interruptible(endNow, async (signal) => {
    const calls = options.calls === undefined ? [] : readCalls(options.calls)
    const own = readingOptions(options, signal)
    const to = live(server)
    const reading = await readingFor(options.reading, [to], own)
    const other = await counterpart(to, options, own, signal)
    const sides = await Promise.all([openSource(other.source, other.own), openSource(to, own)].map(settled))
    const opened = sides.flatMap((side) => ('opened' in side ? [side.opened] : []))
    try {
      for (const side of sides) if ('thrown' in side) throw side.thrown
      const [before, after] = await Promise.all(opened.map((one, index) => listSource(one, index === 0 ? other.source : to, signal)))
      if (before === undefined || after === undefined) throw new CannotTell('')
      const comparison = await compared(before, after, reading)
      const [from, here] = opened.map((one) => [...one.all.values()][0])
      const both = [...before.servers.values(), ...after.servers.values()]
      if (calls.length > 0 && comparison.unreachable.length === 0) admitCalls(calls, both, options.allowWrites === true)
      const isCalled = from !== undefined && here !== undefined && comparison.unreachable.length === 0
      const probed = isCalled ? await probeCalls(calls, from, here, signal) : []
      const code = codeOf(comparison, probed, options.values === true)
      if (!signal.aborted) tell(comparison, probed, code, options)
      return code
    } finally {
      await Promise.all(opened.map((one) => one.close()))
    }
  })
}

/** Both are opened, or what was is closed. */
async function settled<T>(opening: Promise<T>): Promise<{ readonly opened: T } | { readonly thrown: unknown }> {
  try {
    return { opened: await opening }
  } catch (thrown) {
    return { thrown }
  }
}

function live(text: string): LiveSource {
  const source: Source | string = readSource(text, process.cwd())
  if (typeof source === 'string') throw new CannotTell(source)
  if (source.kind === 'file') throw new CannotTell(`${text} is a file; a server is probed where it runs`)
  return source
}

interface Counterpart {
  readonly source: LiveSource
  readonly own: ReadingOptions
}

/** Another address, program or server; another configuration; or the server of the configuration that is this one in an environment. */
async function counterpart(to: LiveSource, options: ProbeOptions, own: ReadingOptions, signal: AbortSignal): Promise<Counterpart> {
  const { against } = options
  if (/\.ya?ml$/.test(against) && existsSync(resolve(process.cwd(), against))) {
    return { source: to, own: readingOptions({ ...options, config: against }, signal) }
  }
  if (!/^[a-z0-9-]{1,32}$/.test(against)) {
    const source = live(against)
    return { source, own: forSecond(own, to, source) }
  }
  const loaded = await own.configuration()
  if (loaded === undefined) throw new CannotTell('')
  const name = serverIn(against, to.kind === 'configured' ? to.name : undefined, loaded)
  return { source: { kind: 'configured', name, label: name }, own }
}

/** The server of that name, or the one of that environment: where it has several, the one whose name begins alike. */
function serverIn(against: string, name: string | undefined, { settings, source }: Loaded): string {
  const servers = Object.entries(settings.servers).filter(([each, { enabled }]) => enabled && each !== name)
  if (servers.some(([each]) => each === against)) return against
  const within = servers.filter(([, server]) => server.environment === against).map(([each]) => each)
  const base = name?.split('-')[0]
  const alike = within.filter((each) => each.split('-')[0] === base)
  const found = within.length === 1 ? within : alike
  const [only] = found
  if (only !== undefined && found.length === 1) return only
  const known = [...new Set(Object.values(settings.servers).map(({ environment }) => environment))].join(', ')
  if (within.length === 0) throw new CannotTell(`${source} has no server ${against}, and none whose environment it is; there are ${known}`)
  throw new CannotTell(`several servers of ${source} are in ${against}: name the one that is meant with --against (${within.join(', ')})`)
}

function readCalls(file: string): readonly ProbeCall[] {
  const read = readConfigFile(resolve(process.cwd(), file), callsFile, { env: process.env, baseDir: process.cwd() })
  if (read.ok) return Array.isArray(read.settings) ? read.settings : read.settings.calls
  throw new CannotTell(read.problems.map(formatProblem).join('\n'))
}

function codeOf(comparison: Comparison, probed: readonly ProbedCall[], values: boolean): ToolsExit {
  const has = (verdict: ProbedCall['verdict']): boolean => probed.some((one) => one.verdict === verdict)
  if (breaks(comparison.verdict) || has('only')) return toolsExit.breaking
  if (comparison.unreachable.length > 0 || has('untold')) return toolsExit.cannotTell
  if (comparison.verdict === 'behavioural' || has('shape')) return toolsExit.behavioural
  if (comparison.verdict === 'additive') return toolsExit.additive
  return values && has('values') ? toolsExit.differs : toolsExit.ok
}

function tell(comparison: Comparison, probed: readonly ProbedCall[], code: ToolsExit, options: ProbeOptions): void {
  if (options.json === true) {
    const data = { ...(comparisonData(comparison, code) as object), calls: probed }
    process.stdout.write(`${jsonForTerminal(JSON.stringify(data))}\n`)
    return
  }
  const style = styleFor(process.stdout)
  const calls = probed.flatMap((one) => callLines(one, style))
  process.stdout.write(`${calls.map((line) => `${line}\n`).join('')}${comparisonText(comparison, code, style)}`)
}

const words = { same: 'SAME', values: 'VALUES', shape: 'SHAPE', only: 'ONLY ONE', untold: 'CANNOT TELL' } as const
/** Differences of one call that are shown. */
const mostShown = 10

function callLines({ tool, arguments: args, verdict, shapes, values, from, to }: ProbedCall, style: Style): string[] {
  const paint = verdict === 'same' || verdict === 'values' ? style.bold : style.bad
  const lines = [`${paint(words[verdict])} call ${onOneLine(tool)} ${onOneLine(JSON.stringify(args))}`]
  if (from !== undefined) lines.push(`  there: ${onOneLine(from)}`)
  if (to !== undefined) lines.push(`  here: ${onOneLine(to)}`)
  const line = (what: string, one: Difference): string =>
    `  ${what} ${onOneLine(one.pointer === '' ? 'the whole' : one.pointer)}: there ${forTerminal(one.from ?? 'nothing')}, here ${forTerminal(one.to ?? 'nothing')}`
  const all = [...shapes.map((one) => line('shape', one)), ...values.map((one) => line('value', one))]
  lines.push(...all.slice(0, mostShown).map(onOneLine))
  if (all.length > mostShown) lines.push(`  and ${all.length - mostShown} more differences (--json has all)`)
  return lines
}
