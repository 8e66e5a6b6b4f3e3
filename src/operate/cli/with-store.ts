// What the commands on the store of a gateway have in common: its configuration, the store, and a sentence where either cannot be had.
import { forTerminal } from '../../core/text/terminal.ts'
import type { Loaded } from '../configuration/load.ts'
import { type OpenStore, openStore } from '../store.ts'
import { type ExitCode, exit } from './exit.ts'
import { loadOrTell } from './options.ts'

export interface StoreOptions {
  readonly config?: string
}

/** `open` gives a sentence where there is nothing to work on; what it opens is closed at the end. */
export async function withOpened<T extends { close(): Promise<void> }>(
  options: StoreOptions,
  open: (loaded: Loaded) => T | string,
  work: (opened: T, loaded: Loaded) => Promise<ExitCode>,
): Promise<ExitCode> {
  const loaded = await loadOrTell(options.config === undefined ? {} : { config: options.config }, false)
  if (loaded === undefined) return exit.invalid
  const opened = open(loaded)
  if (typeof opened === 'string') {
    process.stderr.write(`${forTerminal(opened)}\n`)
    return exit.preflight
  }
  try {
    return await work(opened, loaded)
  } finally {
    await opened.close()
  }
}

/** The store as it was left; none is made. */
export function withStore(options: StoreOptions, work: (opened: OpenStore, loaded: Loaded) => Promise<ExitCode>): Promise<ExitCode> {
  return withOpened(options, (loaded) => openStore(loaded, false), work)
}

/** Why the store did not do it, for a person. */
export function failed(message: string): ExitCode {
  process.stderr.write(`${forTerminal(message)}\n`)
  return exit.failed
}
