// What is taken out of texts before they are written down anywhere or leave for tools of operators: secrets that are known, secrets and personal
// data by their form, what configuration names, and tokens that were made by chance. Pure, of plain data, so that a worker thread can make its own.
import type { Span } from '../protocol/scan.ts'
import { findInCommand } from './command-options.ts'
import { ConfiguredPatterns } from './configured-patterns.ts'
import type { KnownValues } from './known-values.ts'
import { findPersonalData } from './personal-data.ts'
import { findRandomTokens } from './random-tokens.ts'
import { replaced } from './replaced.ts'
import { SensitiveNames } from './sensitive-names.ts'
import { redactionOf, withoutSecrets } from './without-secrets.ts'

export interface RedactionSettings {
  /** Names of members whose values are redacted, in any style of writing. */
  readonly keys: readonly string[]
  /** Regular expressions without problems (`problemOfPattern`). */
  readonly patterns: readonly string[]
}

/** Levels of the fields of a log line that are looked at by name. */
const deepestField = 6

export class Redaction {
  readonly names: SensitiveNames
  private readonly patterns: ConfiguredPatterns | undefined
  private readonly known: readonly KnownValues[]

  /** `known`: values that must not get out; more may come to them. */
  constructor(settings: RedactionSettings, known: readonly KnownValues[] = []) {
    this.names = new SensitiveNames(settings.keys)
    this.patterns = settings.patterns.length === 0 ? undefined : new ConfiguredPatterns(settings.patterns)
    this.known = known
  }

  /** What is said in the log, as it may be written: texts of several words, and what configuration names. */
  said(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
    return this.membersOf(fields, (text) => (text.includes(' ') ? this.recognised(text) : this.configured(text)), 0)
  }

  /** What configuration names, taken out of fields whose texts are clean otherwise. */
  fields(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
    if (this.patterns === undefined && !this.names.isConfigured) return fields
    return this.membersOf(fields, (text) => this.configured(text), 0)
  }

  private configured(text: string): string {
    return this.patterns?.replace(text, redactionOf('configured')) ?? text
  }

  private membersOf<T extends object>(members: T, clean: (text: string) => string, depth: number): T {
    const out: Record<string, unknown> = {}
    for (const [name, value] of Object.entries(members)) {
      const isNamed = value !== undefined && this.names.isConfigured && this.names.kindOf(name) === 'configured'
      out[name] = isNamed ? redactionOf('configured') : this.valueOf(value, clean, depth)
    }
    return out as T
  }

  private valueOf(value: unknown, clean: (text: string) => string, depth: number): unknown {
    if (typeof value === 'string') return clean(value)
    if (typeof value !== 'object' || value === null || 'toJSON' in value) return value
    if (depth >= deepestField) return JSON.stringify(value) === undefined ? undefined : clean(JSON.stringify(value))
    if (Array.isArray(value)) return value.map((one) => this.valueOf(one, clean, depth + 1))
    return this.membersOf(value, clean, depth + 1)
  }

  /** Whether a text can only be told to be harmless by a look at all of it. */
  get hasPatterns(): boolean {
    return this.patterns !== undefined
  }

  isKnownIn(bytes: Uint8Array): boolean {
    for (const one of this.known) if (one.findIn(bytes).length > 0) return true
    return false
  }

  /** A text in which many digits are all that is suspicious. */
  numbered(text: string): string {
    return withoutPersonalData(text)
  }

  /** Words of an agent, or a value that it gives, as they may be written down. */
  text(text: string): string {
    return withoutTokens(this.recognised(text))
  }

  /** A text that has ids, digests or addresses in it: what nothing but chance tells of stays. */
  recognised(text: string): string {
    let clean = this.configured(text)
    for (const known of this.known) clean = withoutKnown(clean, known)
    clean = withoutOptions(withoutSecrets(clean))
    return withoutPersonalData(clean)
  }
}

function withoutKnown(text: string, known: KnownValues): string {
  if (known.isEmpty) return text
  const bytes = Buffer.from(text)
  const found = known.findIn(bytes)
  return found.length === 0 ? text : replaced(bytes, found, () => redactionOf('known_secret'))
}

function withoutOptions(text: string): string {
  const found = findInCommand(text)
  return found.length === 0 ? text : cutOut(text, found, () => redactionOf('command_option'))
}

function withoutPersonalData(text: string): string {
  const found = findPersonalData(text)
  return found.length === 0 ? text : cutOut(text, found, ({ kind }) => redactionOf(kind))
}

function withoutTokens(text: string): string {
  const found = findRandomTokens(text)
  return found.length === 0 ? text : cutOut(text, found, () => redactionOf('high_entropy'))
}

function cutOut<Found extends Span>(text: string, found: readonly Found[], wordOf: (one: Found) => string): string {
  let clean = ''
  let from = 0
  for (const one of found) {
    clean += text.slice(from, one.start) + wordOf(one)
    from = one.end
  }
  return clean + text.slice(from)
}
