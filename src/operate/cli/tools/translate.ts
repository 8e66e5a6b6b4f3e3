// `signalbox tools approve --adapter`: that calls by the contract that is known are translated into what the server takes.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { createContractJudge } from '../../../assembly/contracts.ts'
import type { Judgement } from '../../../core/call/contract.ts'
import { readTranslationAsked, type TranslationAsked, translationForms } from '../../../core/call/translation-asked.ts'
import { adapterText, type LockedAdapter, translationOf, withTool } from '../../../gateway/contracts/index.ts'
import { systemClock } from '../../../platform/clock/system-clock.ts'
import { CannotTell } from '../../contracts/contracts.ts'
import { writeLock } from '../../contracts/lock-store.ts'
import type { ExitCode } from '../exit.ts'
import { type ApproveOptions, type LockedAndLive, lockedAndLive, mismatch, notDone, told, type Whose } from './deciding.ts'
import { toolsExit } from './exit.ts'
import { whoRuns } from './lock.ts'
import { readingFor } from './run.ts'

export interface WantedTranslation {
  /** As it was written. */
  readonly adapter: unknown
  readonly asked: TranslationAsked
  readonly override: boolean
}

type TranslationOptions = Pick<ApproveOptions, 'adapter' | 'override' | 'reason'>

/** Undefined where none is asked for; throws `CannotTell` for what is none. */
export function translationIn({ adapter: text, override = false, reason }: TranslationOptions): WantedTranslation | undefined {
  if (override && text === undefined) throw new CannotTell('--override is for a translation (--adapter) that is not proved')
  if (text === undefined) return undefined
  if (override && reason === undefined) throw new CannotTell('--override needs a --reason')
  const adapter = text === true ? {} : written(text)
  const asked = readTranslationAsked(adapter)
  if (asked === undefined) throw new CannotTell(`--adapter takes a file with JSON, or JSON: ${translationForms}`)
  return { adapter, asked, override }
}

function written(text: string): unknown {
  const isJson = text.trimStart().startsWith('{')
  try {
    return JSON.parse(isJson ? text : readFileSync(resolve(process.cwd(), text), 'utf8'))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const what = isJson ? '--adapter' : text
    throw new CannotTell(code === undefined ? `${what} is no JSON (${(error as Error).message})` : `${what} cannot be read (${code})`)
  }
}

/** Words are shown as they were, and are no part of what is decided. */
const translatedParts = ['contract', 'hints'] as const

export async function translateInLock(
  { server, tool }: Whose,
  options: ApproveOptions,
  wanted: WantedTranslation,
  signal: AbortSignal,
): Promise<ExitCode> {
  const name = `${server}.${tool}`
  const found = await lockedAndLive({ server, tool }, options, signal)
  const { stored, old, live } = found
  if (old === undefined) throw new CannotTell(`${stored.label} has no tool ${name}, of which calls could be translated`)
  const problem = mismatch(old, live, options.expect, translatedParts)
  if (problem !== undefined) return notDone(problem, toolsExit.notSeen)
  const by = options.by ?? whoRuns()
  const reason = options.reason ?? null
  const judgement = await judged({ ...found, old }, wanted)
  const made = translationOf(judgement, wanted.override, { by: by ?? 'lock', reason: reason ?? undefined, atMs: systemClock.now() })
  if (signal.aborted) return toolsExit.interrupted
  if (!made.ok) return notDone(made.detail, toolsExit.refused)
  const { adapter, proved } = made.given
  const { contract, hints } = judgement.new
  const locked: LockedAdapter = { contract, hints, ...adapter, override: !proved, by, reason }
  writeLock(stored.path, withTool(stored.lock, server, tool, { ...old, adapter: locked }))
  const data = { server, tool, state: 'translated', adapter: locked, proved }
  return told(`${translated(name, adapterText(adapter), !proved)} It stands in ${stored.label}.`, data, options.json)
}

async function judged(
  { own, old, definition }: LockedAndLive & { readonly old: NonNullable<LockedAndLive['old']> },
  { asked }: WantedTranslation,
): Promise<Judgement> {
  const reading = await readingFor(undefined, [{ kind: 'configured', name: undefined, label: '' }], own)
  const judge = createContractJudge(systemClock)
  try {
    return await judge.judge(old.definition, definition, { reading, propose: asked })
  } finally {
    await judge.close()
  }
}

export function translated(name: string, does: string, isUnproved: boolean): string {
  const what = does === '' ? 'go on as they are' : `are translated: ${does}`
  const unproved = isUnproved ? ' It is not proved: each call is held against the new schema.' : ''
  return `Calls of ${name} by the old contract ${what}.${unproved}`
}
