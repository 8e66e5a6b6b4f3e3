// What is taken of a list while it comes in: bounded in number and in bytes, so that a server costs no more memory than its share, however
// much it lists. What is over a bound is set aside by name; the rest is served.
import type { ItemKind } from '../../core/call/item.ts'
import { kinds } from '../../core/call/item-kinds.ts'
import { type Payload, payload } from '../../core/call/payload.ts'
import { locate } from '../../core/protocol/locate.ts'
import { MalformedJson, text } from '../../core/protocol/scan.ts'
import type { Quarantined } from './definition.ts'

/** Items of one kind that are read from one server. */
export const mostItems = 50_000
/** One definition, in bytes: a larger one would hold up everything while it is parsed. */
export const mostDefinitionBytes = 2_097_152
/** Bytes that are read of a list at least, taken or not, and of one that may be larger twice what it may be. */
const leastRead = 67_108_864
/** Definitions over a bound that are named one by one. */
const mostNamed = 100
/** Bytes of a name that are decoded to show it. */
const longestRead = 65_536
/** Characters of a name that has not been judged. */
const longestName = 128

export class Intake {
  /** What is judged next, each in memory of its own. */
  readonly taken: Payload[] = []
  private readonly kind: ItemKind
  private readonly mostBytes: number
  private readonly refused: Quarantined[] = []
  private read = 0
  private readBytes = 0
  private bytes = 0
  private unnamed = 0

  /** `mostBytes`: all definitions together. */
  constructor(kind: ItemKind, mostBytes: number) {
    this.kind = kind
    this.mostBytes = mostBytes
  }

  /** False once no more is read. */
  take(definition: Payload): boolean {
    const { bytes } = definition
    this.read += 1
    this.readBytes += bytes.length
    if (bytes.length > mostDefinitionBytes) this.refuse(bytes, `is larger than ${mostDefinitionBytes} bytes`)
    else if (this.bytes + bytes.length > this.mostBytes) this.refuse(bytes, `is over the ${this.mostBytes} bytes that a list may have`)
    else {
      this.bytes += bytes.length
      // A view would keep the whole page that it came in.
      this.taken.push(payload(Buffer.from(bytes)))
    }
    return this.read < mostItems && this.readBytes < Math.max(leastRead, 2 * this.mostBytes)
  }

  /** What was not taken, and why. */
  over(): readonly Quarantined[] {
    if (this.unnamed === 0) return this.refused
    return [...this.refused, { kind: this.kind, name: undefined, path: '', reason: `${this.unnamed} more are over a bound of size` }]
  }

  private refuse(bytes: Uint8Array, reason: string): void {
    if (this.refused.length < mostNamed) this.refused.push({ kind: this.kind, name: nameIn(this.kind, bytes), path: '', reason })
    else this.unnamed += 1
  }
}

/** Read without parsing the rest. */
function nameIn(kind: ItemKind, bytes: Uint8Array): string | undefined {
  try {
    const found = locate(bytes, [kinds[kind].key])
    if (found === undefined || found[0] !== 0x22 || found.length > longestRead) return undefined
    const name = text(found, 0, found.length)
    return name.length <= longestName ? name : `${name.slice(0, longestName)}…`
  } catch (error) {
    if (error instanceof MalformedJson || error instanceof SyntaxError) return undefined
    throw error
  }
}
