// What rows keep of the arguments of calls: all of it less what is sensitive, a digest that nobody without the key can guess from, or nothing.
import { argumentsIn } from '../../core/call/arguments.ts'
import { argumentsHash, argumentsKey } from '../../core/secrets/arguments-hash.ts'
import { redactedArguments } from '../../core/secrets/redacted-arguments.ts'
import type { Redaction } from '../../core/secrets/redaction.ts'
import type { KeptArguments } from './encode.ts'

export type ArgumentsPolicy = 'redacted' | 'hashed' | 'none'

/** `sealKey`: of the installation, from which the key of the digests follows. */
export function keptArguments(policy: ArgumentsPolicy, redaction: Redaction, sealKey: Uint8Array): KeptArguments {
  if (policy === 'none') return () => 'null'
  const key = policy === 'hashed' ? argumentsKey(sealKey) : undefined
  return ({ family, params }) => {
    const args = family === 'invoke' ? argumentsIn(params) : undefined
    if (args === undefined) return 'null'
    // Line ends may stand between members alone, and a row is a line.
    return key === undefined ? onOneLine(redactedArguments(args, redaction, 'checked')) : `"${argumentsHash(args, key)}"`
  }
}

function onOneLine(json: string): string {
  return json.includes('\n') || json.includes('\r') ? json.replaceAll(/[\n\r]/g, ' ') : json
}
