// The durable store of a gateway, for commands that look into it or change it, whether the gateway runs or not.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { databaseOf } from '../assembly/database.ts'
import { createDurable, storeFile } from '../assembly/stores.ts'
import type { Durable } from '../core/ports/durable.ts'
import { systemClock } from '../platform/clock/system-clock.ts'
import type { Loaded } from './configuration/load.ts'

export interface OpenStore {
  readonly durable: Durable
  /** Where its keys are; undefined where they are in the configuration alone. */
  readonly stateDir: string | undefined
  close(): Promise<void>
}

/** A sentence where the configuration keeps nothing, or nothing has been kept yet and `make` is false. Only with `make` are tables made. */
export function openStore(loaded: Loaded, make: boolean): OpenStore | string {
  const { settings, source } = loaded
  const stateDir = settings.stateDir ?? loaded.defaultStateDir
  if (databaseOf(settings) === undefined) {
    if (stateDir === undefined) return `${source} keeps no state (\`stateDir: off\`), so there is nothing to look into.`
    if (!make && !existsSync(join(stateDir, storeFile)))
      return `There is no store in ${stateDir}: no gateway has run with ${source} from here.`
  }
  const report = { log: () => undefined, counters: { add: () => undefined } }
  const durable = createDurable({ ...settings, stateDir }, systemClock, report, make)
  return { durable, stateDir, close: () => durable.close() }
}
