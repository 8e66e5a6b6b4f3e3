// Removes known secret values from anything that is written. Secrets are known by value: they came from the environment, from files
// or from credential settings.

/** Shorter values would blank out ordinary words. */
const shortest = 6

export type Redact = (text: string) => string

export function createRedactor(secrets: readonly string[]): Redact {
  const known = [...new Set(secrets)].filter((secret) => secret.length >= shortest).sort((a, b) => b.length - a.length)
  if (known.length === 0) return (text) => text
  const spellings = known.flatMap((secret) => {
    const escaped = JSON.stringify(secret).slice(1, -1)
    return escaped === secret ? [secret] : [secret, escaped]
  })
  return (text) => {
    let clean = text
    for (const secret of spellings) if (clean.includes(secret)) clean = clean.replaceAll(secret, '[redacted]')
    return clean
  }
}
