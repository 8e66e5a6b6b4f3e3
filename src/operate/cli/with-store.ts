// What the commands on the store of a gateway have in common: its configuration, the store, and a sentence where either cannot be had.
import { forTerminal } from '../../core/text/terminal.ts'
import type { Loaded } from '../configuration/load.ts'
import type { OpenStore } from '../store.ts'
import { type ExitCode, exit } from './exit.ts'
import { loadOrTell, type SourceOptions } from './options.ts'

export interface StoreOptions {
  readonly config?: string
}

/** `open` gives a sentence where there is nothing to work on; what it opens is closed at the end. */
export async function withOpened<T extends { close(): Promise<void> }>(
  options: StoreOptions,
  open: (loaded: Loaded) => T | string | Promise<T | string>,
  work: (opened: T, loaded: Loaded) => Promise<ExitCode>,
  more: SourceOptions = {},
): Promise<ExitCode> {
  const loaded = await loadOrTell(options.config === undefined ? more : { ...more, config: options.config }, false)
  if (loaded === undefined) return exit.invalid
  const opened = await open(loaded)
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
  return withOpened(options, async (loaded) => (await import('../store.ts')).openStore(loaded, false), work)
}
