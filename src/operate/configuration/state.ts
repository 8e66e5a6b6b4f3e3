// The folder for what outlives a restart, where the configuration names none: sessions go on after a restart without anybody's doing.
import { accessSync, constants, mkdirSync } from 'node:fs'
import type { Loaded } from './load.ts'

export interface WithState {
  readonly loaded: Loaded
  /** Why nothing will outlive a restart, for people, if that is so though nobody asked for it. */
  readonly lost: string | undefined
}

export function withState(loaded: Loaded): WithState {
  const { settings, defaultStateDir } = loaded
  if (defaultStateDir === undefined || settings.stateDir !== undefined) return { loaded, lost: undefined }
  try {
    mkdirSync(defaultStateDir, { recursive: true, mode: 0o700 })
    accessSync(defaultStateDir, constants.W_OK)
    return { loaded: { ...loaded, settings: { ...settings, stateDir: defaultStateDir } }, lost: undefined }
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? String(error)
    const mend = 'Name another folder with `stateDir`, or say `stateDir: off`.'
    return {
      loaded: withoutDatabase(loaded),
      lost: `${defaultStateDir} cannot be used (${why}): sessions and catalogues end with this process. ${mend}`,
    }
  }
}

/** What a database keeps is sealed with a key of the folder, unless the configuration has one: with another nobody could ever read it. */
function withoutDatabase(loaded: Loaded): Loaded {
  const { settings } = loaded
  return settings.vault.key === undefined ? { ...loaded, settings: { ...settings, stores: { durable: 'sqlite' } } } : loaded
}
