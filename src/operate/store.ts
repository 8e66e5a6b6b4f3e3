// The durable store of a gateway, for commands that look into it or change it, whether the gateway runs or not.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createDurable } from '../assembly/stores.ts'
import type { Durable } from '../core/ports/durable.ts'
import { systemClock } from '../platform/clock/system-clock.ts'
import type { Loaded } from './configuration/load.ts'

export interface OpenStore {
  readonly durable: Durable
  readonly stateDir: string
  close(): Promise<void>
}

/** A sentence where the configuration keeps nothing, or nothing has been kept yet and `make` is false. */
export function openStore(loaded: Loaded, make: boolean): OpenStore | string {
  const stateDir = loaded.settings.stateDir ?? loaded.defaultStateDir
  if (stateDir === undefined) return `${loaded.source} keeps no state (\`stateDir: off\`), so there is nothing to look into.`
  if (!make && !existsSync(join(stateDir, 'signalbox.db')))
    return `There is no store in ${stateDir}: no gateway has run with ${loaded.source} from here.`
  const report = { log: () => undefined, counters: { add: () => undefined } }
  const durable = createDurable(stateDir, systemClock, report)
  return { durable, stateDir, close: () => durable.close() }
}
