// Where another configuration of a gateway that runs comes from, and how reading it ended.
import type { LockFile } from '../gateway/contracts/index.ts'
import type { Settings } from './settings.ts'

export interface Candidate {
  readonly settings: Settings
  /** As it is written. */
  readonly text: string
  /** Servers whose configuration misses something, with the reason. */
  readonly broken: readonly { readonly server: string; readonly reason: string }[]
  /** Values that must never be written anywhere. */
  readonly secrets: readonly string[]
  /** The file itself, and those that it takes secrets from: no confined child sees them. */
  readonly files: readonly string[]
  /** Undefined where there is no lock file. */
  readonly lock: LockFile | undefined
  /** For people. */
  readonly warnings: readonly string[]
}

export type ReadCandidate =
  | { readonly ok: true; readonly candidate: Candidate }
  /** For people: where, what, and how to mend it. */
  | { readonly ok: false; readonly problems: readonly string[] }

export interface ConfigurationSource {
  /** As it was written that is in force at the start. */
  readonly text: string
  /** That is watched; undefined where nobody writes it. */
  readonly file: string | undefined
  /** Reads and checks what stands there now, or this text in its place. */
  read(text?: string): Promise<ReadCandidate>
}
