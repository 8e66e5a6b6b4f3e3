// One JSON value as bytes that are parsed at most once and edited in place: there is one truth, the bytes.
import { asBuffer } from '../protocol/scan.ts'
import { apply, type Edit, type Plan, plan, rewrite } from './rewrite.ts'

export type { Edit }

export interface Payload {
  /** JSON text, UTF-8. Edits are applied on first access. */
  readonly bytes: Uint8Array
  /** Without pending edits; asking does not apply them. */
  readonly unedited: Uint8Array
  /** Size in bytes before pending edits; asking does not apply them. */
  readonly size: number
  /** The parsed value, cached; treat as frozen. Integers beyond 2^53 are rounded here, never in `bytes`. */
  json(): unknown
  /** A payload with the edits applied; this one is unchanged. A later edit of the same path wins. */
  edit(edits: readonly Edit[]): Payload
}

/** Wraps JSON text that is known to be valid; `parsed` saves the parse where the caller has it. */
export function payload(bytes: Uint8Array, parsed?: unknown): Payload {
  return new Whole(bytes, parsed)
}

/** Serialises a value of our own. */
export function payloadOf(value: unknown): Payload {
  return new Whole(Buffer.from(JSON.stringify(value)), value)
}

class Whole implements Payload {
  readonly bytes: Uint8Array
  private parsed: unknown

  constructor(bytes: Uint8Array, parsed: unknown) {
    this.bytes = bytes
    this.parsed = parsed
  }

  get unedited(): Uint8Array {
    return this.bytes
  }

  get size(): number {
    return this.bytes.length
  }

  json(): unknown {
    if (this.parsed === undefined) this.parsed = JSON.parse(asBuffer(this.bytes).toString('utf8'))
    return this.parsed
  }

  edit(edits: readonly Edit[]): Payload {
    return edits.length === 0 ? this : new Edited(this, edits)
  }
}

/** Keeps its edits until somebody wants the bytes, so that the edits of several stages cost one pass. */
class Edited implements Payload {
  private readonly base: Whole
  private readonly edits: readonly Edit[]
  private planned: Plan | undefined
  private made: Uint8Array | undefined
  private parsed: unknown

  constructor(base: Whole, edits: readonly Edit[]) {
    this.base = base
    this.edits = edits
  }

  private get plan(): Plan {
    this.planned ??= plan(this.edits)
    return this.planned
  }

  get bytes(): Uint8Array {
    this.made ??= rewrite(this.base.bytes, this.plan)
    return this.made
  }

  get unedited(): Uint8Array {
    return this.base.bytes
  }

  get size(): number {
    return this.made?.length ?? this.base.size
  }

  json(): unknown {
    this.parsed ??= apply(this.base.json(), this.plan)
    return this.parsed
  }

  edit(edits: readonly Edit[]): Payload {
    return edits.length === 0 ? this : new Edited(this.base, [...this.edits, ...edits])
  }
}

export const emptyObject: Payload = new Whole(Buffer.from('{}'), {})
