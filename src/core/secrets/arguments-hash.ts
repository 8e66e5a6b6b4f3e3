// A digest of the arguments of a call: equal where they are the same value, whatever the order of members and the spelling of their JSON, and
// of no use for guessing what they were without the key.
import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import { asBuffer, MalformedJson, passValue, skipSpace, skipValue, text } from '../protocol/scan.ts'

/** A key of one installation, from its sealing key: `loadKey`. */
export function argumentsKey(sealKey: Uint8Array): KeyObject {
  return createSecretKey(createHmac('sha256', sealKey).update('signalbox audit arguments').digest())
}

/**
 * `hmac-sha256:` and base64url. Numbers count as they are spelt, so that those beyond 2^53 differ; of a name that stands twice both count, in
 * their order. Bytes that are no JSON count as they are.
 */
export function argumentsHash(bytes: Uint8Array, key: KeyObject): string {
  const canonical = canonicalForm(bytes)
  // What is no JSON never has the digest of what is.
  const hmac = createHmac('sha256', key)
  if (canonical === undefined) hmac.update('no JSON\u0000').update(bytes)
  else hmac.update(canonical)
  return `hmac-sha256:${hmac.digest('base64url')}`
}

function canonicalForm(bytes: Uint8Array): string | undefined {
  const start = skipSpace(bytes, 0)
  try {
    if (skipSpace(bytes, skipValue(bytes, start)) !== bytes.length) return undefined
  } catch (thrown) {
    if (thrown instanceof MalformedJson) return undefined
    throw thrown
  }
  return new Canonical(bytes).value(start)
}

/** Of JSON that was checked before: each byte is passed once, in levels that the check bounds. */
class Canonical {
  private readonly b: Uint8Array
  private at = 0

  constructor(bytes: Uint8Array) {
    this.b = bytes
  }

  value(start: number): string {
    this.at = start
    switch (this.b[start]) {
      case 0x7b:
        return this.object()
      case 0x5b:
        return this.array()
      case 0x22:
        return this.string()
      default: {
        const end = passValue(this.b, start)
        this.at = end
        return asBuffer(this.b).toString('latin1', start, end)
      }
    }
  }

  /** With its quotes; what is written without escapes is so already, unless it has to be. */
  private string(): string {
    const { b, at } = this
    let i = at + 1
    for (;;) {
      const c = b[i] as number
      if (c === 0x22) {
        this.at = i + 1
        return asBuffer(b).toString('latin1', at, i + 1)
      }
      if (c === 0x5c || c > 0x7e) break
      i += 1
    }
    this.at = passValue(b, at)
    return JSON.stringify(text(b, at, this.at))
  }

  private object(): string {
    const members: { readonly name: string; readonly value: string }[] = []
    for (this.enter(); this.b[this.at] !== 0x7d; this.next()) {
      const name = this.string()
      this.at = skipSpace(this.b, skipSpace(this.b, this.at) + 1)
      members.push({ name, value: this.value(this.at) })
    }
    this.at += 1
    // Stable: of equal names the first stays first.
    members.sort((one, other) => (one.name < other.name ? -1 : one.name > other.name ? 1 : 0))
    return `{${members.map(({ name, value }) => `${name}:${value}`).join(',')}}`
  }

  private array(): string {
    const elements: string[] = []
    for (this.enter(); this.b[this.at] !== 0x5d; this.next()) elements.push(this.value(this.at))
    this.at += 1
    return `[${elements.join(',')}]`
  }

  private enter(): void {
    this.at = skipSpace(this.b, this.at + 1)
  }

  private next(): void {
    this.at = skipSpace(this.b, this.at)
    if (this.b[this.at] === 0x2c) this.at = skipSpace(this.b, this.at + 1)
  }
}
