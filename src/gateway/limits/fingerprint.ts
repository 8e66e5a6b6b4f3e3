// A number for what a call is: 53 bits of a hash with a secret seed, so that nobody makes two calls look alike, or like those of another.
// It is made from the parsed value, which is there already; spelling is no part of it.

/** Characters and values that are looked at: of a larger text parts from its beginning to its end. */
const most = 65_536
const deepest = 64
const windows = 16

const double = new Float64Array(1)
const halves = new Uint32Array(double.buffer)

export interface Mark {
  readonly a: number
  readonly b: number
  readonly left: number
}

export class Fingerprint {
  private readonly seedA: number
  private readonly seedB: number
  private a = 0
  private b = 0
  private left = 0

  /** At least 8 bytes. */
  constructor(seed: Uint8Array) {
    const view = new DataView(seed.buffer, seed.byteOffset, seed.byteLength)
    this.seedA = view.getInt32(0)
    this.seedB = view.getInt32(4)
  }

  begin(): this {
    this.a = this.seedA
    this.b = this.seedB
    this.left = most
    return this
  }

  /** What was taken in so far, to go on from. */
  mark(): Mark {
    return { a: this.a, b: this.b, left: this.left }
  }

  from({ a, b, left }: Mark): this {
    this.a = a
    this.b = b
    this.left = left
    return this
  }

  get value(): number {
    return (this.a >>> 0) * 0x20_00_00 + (this.b >>> 11)
  }

  text(text: string): this {
    const { length } = text
    this.mix(length)
    if (length <= this.left) this.range(text, 0, length)
    else {
      const size = Math.max(1, Math.floor(this.left / windows))
      const step = (length - size) / (windows - 1)
      for (let n = 0; n < windows; n += 1) this.range(text, Math.floor(n * step), Math.floor(n * step) + size)
    }
    this.left = Math.max(256, this.left - length)
    return this
  }

  json(value: unknown, depth = 0): this {
    if (typeof value === 'string') {
      this.mix(1)
      return this.text(value)
    }
    if (typeof value === 'number') {
      double[0] = value
      this.mix(halves[0] as number)
      this.mix(halves[1] as number)
      return this
    }
    if (typeof value !== 'object' || value === null) {
      this.mix(value === true ? 2 : value === false ? 3 : value === null ? 4 : 5)
      return this
    }
    if (depth === deepest || this.left <= 256) {
      this.mix(6)
      return this
    }
    this.left -= 1
    if (Array.isArray(value)) {
      this.mix(7)
      this.mix(value.length)
      for (const element of value) {
        if (this.left <= 256) break
        this.left -= 1
        this.json(element, depth + 1)
      }
      return this
    }
    this.mix(8)
    for (const key in value) {
      if (this.left <= 256) break
      this.text(key)
      this.json((value as Record<string, unknown>)[key], depth + 1)
    }
    this.mix(9)
    return this
  }

  private range(text: string, from: number, to: number): void {
    let { a, b } = this
    for (let at = from; at < to; at += 1) {
      const unit = text.charCodeAt(at)
      a = Math.imul(a ^ unit, 0x9e3779b1)
      a ^= a >>> 15
      b = Math.imul(b ^ unit, 0x85ebca77)
      b ^= b >>> 13
    }
    this.a = a
    this.b = b
  }

  private mix(n: number): void {
    this.a = Math.imul(this.a ^ n, 0x9e3779b1)
    this.a ^= this.a >>> 15
    this.b = Math.imul(this.b ^ n, 0x85ebca77)
    this.b ^= this.b >>> 13
  }
}
