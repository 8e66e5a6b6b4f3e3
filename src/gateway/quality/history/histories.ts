// The histories of all tools: so many at most, the one that was longest not used goes; and the one memory of arguments that they share.
import { ArgumentMemory } from './argument-memory.ts'
import { fromBytes, toBytes } from './saved-history.ts'
import { ToolHistory } from './tool-history.ts'

const mostTools = 4_096

export class Histories {
  private readonly tools = new Map<string, ToolHistory>()
  private readonly memory = new ArgumentMemory()
  private readonly most: number

  constructor(most = mostTools) {
    this.most = most
  }

  get size(): number {
    return this.tools.size
  }

  /** Of one version of a tool. `kept`: what `toBytes` gave of it before; what is none is as if there were none. */
  of(key: string, kept?: () => Uint8Array | undefined): ToolHistory {
    let found = this.tools.get(key)
    if (found === undefined) {
      const bytes = kept?.()
      const saved = bytes === undefined ? undefined : fromBytes(bytes)
      found = new ToolHistory(idOf(key), this.memory, saved?.numbers)
      if (saved !== undefined) found.restore(saved.texts)
      if (this.tools.size >= this.most) this.forgetOldest()
    } else this.tools.delete(key)
    this.tools.set(key, found)
    return found
  }

  forget(key: string): void {
    this.tools.delete(key)
  }

  /** For the store; undefined where nothing is known of it. */
  toBytes(key: string): Uint8Array | undefined {
    const found = this.tools.get(key)
    return found === undefined ? undefined : toBytes(found.saved())
  }

  private forgetOldest(): void {
    for (const oldest of this.tools.keys()) {
      this.tools.delete(oldest)
      return
    }
  }
}

/** FNV-1a: the same over restarts. */
function idOf(key: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < key.length; i += 1) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
