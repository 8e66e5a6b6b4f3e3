// The settings of a gateway that runs: one object for all who read them, of which some keys follow the configuration that is in force. What is read from
// it is right at the moment; what a part has made of such a key it has to make anew when it is told.
import type { Settings } from './settings.ts'

/** Keys of which another value is put into force while the gateway runs. All others need a restart. */
export const liveKeys = ['servers', 'toolsets'] as const
const live: ReadonlySet<string> = new Set(liveKeys)

export class LiveSettings {
  /** Of now. */
  readonly view: Settings
  private current: Settings

  constructor(first: Settings) {
    this.current = first
    const view = { ...first }
    for (const key of liveKeys) Object.defineProperty(view, key, { enumerable: true, get: () => this.current[key] })
    this.view = view
  }

  /** Whether another value of the top-level key can be put into force without a restart. */
  static takes(key: string): boolean {
    return live.has(key)
  }

  /** Of the keys that are live alone: the others are those of the start. */
  follow(next: Settings): void {
    this.current = next
  }
}
