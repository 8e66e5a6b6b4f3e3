// What the commands about contracts have in common: their options read, the first Ctrl-C that ends all that was started, and the sentence
// where nothing can be told.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Reading } from '../../../core/call/contract.ts'
import { stackOf } from '../../../core/ports/boundary.ts'
import { forTerminal } from '../../../core/text/terminal.ts'
import { systemClock } from '../../../platform/clock/system-clock.ts'
import type { Loaded } from '../../configuration/load.ts'
import { CannotTell } from '../../contracts/contracts.ts'
import { lockName, lockPath, openLock, type StoredLock } from '../../contracts/lock-store.ts'
import type { ReadingOptions } from '../../contracts/read-contracts.ts'
import type { Source } from '../../contracts/source.ts'
import { type ExitCode, exit } from '../exit.ts'
import { loadOrTell } from '../options.ts'
import { onSignals } from '../signals.ts'
import { readingOf } from './comparing.ts'
import { toolsExit } from './exit.ts'

export interface SourceOptions {
  readonly config?: string
  readonly profile?: string
  readonly token?: string
  readonly header?: readonly string[]
  readonly env?: readonly string[]
  readonly allowScripts?: boolean
}

/** Runs `work`, which ends when the signal does. */
export async function interruptible(endNow: (code: ExitCode) => void, work: (signal: AbortSignal) => Promise<ExitCode>): Promise<ExitCode> {
  const stop = new AbortController()
  const signals = onSignals(systemClock, () => endNow(exit.interrupted))
  void signals.first.then(() => stop.abort())
  try {
    const code = await work(stop.signal)
    return stop.signal.aborted ? toolsExit.interrupted : code
  } catch (thrown) {
    if (stop.signal.aborted) return toolsExit.interrupted
    // To `diff`, 1 means that something differs.
    if (!(thrown instanceof CannotTell)) process.stderr.write(`Signalbox failed: ${forTerminal(stackOf(thrown))}\n`)
    else if (thrown.message !== '') process.stderr.write(`${forTerminal(thrown.message)}\n`)
    return toolsExit.cannotTell
  } finally {
    signals.stop()
  }
}

/** Throws `CannotTell` where an option cannot be read. */
export function readingOptions(options: SourceOptions, signal: AbortSignal): ReadingOptions {
  let loading: Promise<Loaded | undefined> | undefined
  return {
    headers: named(options.header ?? [], /^([!#$%&'*+.^_`|~0-9a-z-]+):\s*(.*)$/i, "--header takes 'Name: value'"),
    token: options.token,
    env: named(options.env ?? [], /^([a-z_][a-z0-9_]*)=(.*)$/is, '--env takes NAME=value'),
    allowScripts: options.allowScripts === true,
    signal,
    configuration: () => {
      loading ??= configured(options)
      return loading
    },
  }
}

/** For the second of two: what is shown to one address is not for another. */
export function forSecond(own: ReadingOptions, first: Source, second: Source): ReadingOptions {
  const apart = first.kind === 'address' && second.kind === 'address' && originOf(first.url) !== originOf(second.url)
  return apart ? { ...own, headers: {}, token: undefined } : own
}

function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : url
}

function named(texts: readonly string[], form: RegExp, mend: string): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const found = form.exec(text)
      if (found === null) throw new CannotTell(mend)
      return [found[1] as string, found[2] as string]
    }),
  )
}

async function configured(options: SourceOptions): Promise<Loaded | undefined> {
  const loaded = await loadOrTell({ ...options, withoutLock: true }, false)
  if (loaded?.kind === 'quickstart') throw new CannotTell('there is no signalbox.yaml here: name the configuration with --config')
  return loaded
}

/** `needed`: the servers come from the configuration as well; else it is asked where the lock file lies only if there is one. */
export async function lockOf(named: string | undefined, { configuration }: ReadingOptions, needed: boolean): Promise<StoredLock> {
  const cwd = process.cwd()
  if (named !== undefined && !needed) return openLock(lockPath(named, undefined, cwd), cwd)
  if (!needed && existsSync(join(cwd, lockName))) return openLock(join(cwd, lockName), cwd)
  const loaded = await configuration()
  if (loaded === undefined) throw new CannotTell('')
  return openLock(lockPath(named, loaded, cwd), cwd)
}

/** As it is given, else as the configuration says where servers come from it. */
export async function readingFor(text: string | undefined, sources: readonly Source[], own: ReadingOptions): Promise<Reading> {
  const isConfigured = text === undefined && sources.some(({ kind }) => kind === 'configured')
  const usual = isConfigured ? (await own.configuration())?.settings.versions.reading : undefined
  return readingOf(text, usual ?? 'declared')
}
