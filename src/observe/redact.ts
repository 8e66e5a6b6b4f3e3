// Removes known secret values from anything that is written. Secrets are known by value: they came from the environment, from files
// or from credential settings, or were got from an issuer since.
import type { KnownValues } from '../core/secrets/known-values.ts'
import { replaced } from '../core/secrets/replaced.ts'

/** Shorter values would blank out ordinary words. */
const shortest = 6

export type Redact = (text: string) => string

/** `issued`: what comes while the gateway runs. */
export function createRedactor(secrets: readonly string[], issued?: KnownValues): Redact {
  const known = [...new Set(secrets)].filter((secret) => secret.length >= shortest).sort((a, b) => b.length - a.length)
  if (known.length === 0 && issued === undefined) return (text) => text
  const spellings = known.flatMap((secret) => {
    const escaped = JSON.stringify(secret).slice(1, -1)
    return escaped === secret ? [secret] : [secret, escaped]
  })
  return (text) => {
    let clean = text
    for (const secret of spellings) if (clean.includes(secret)) clean = clean.replaceAll(secret, '[redacted]')
    return issued === undefined || issued.isEmpty ? clean : without(issued, clean)
  }
}

function without(issued: KnownValues, text: string): string {
  const bytes = Buffer.from(text)
  const found = issued.findIn(bytes)
  return found.length === 0 ? text : replaced(bytes, found, () => '[redacted]')
}
