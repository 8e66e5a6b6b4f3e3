// What rows keep of the arguments of calls: all of it less what is sensitive, a digest that nobody without the key can guess from, or nothing.
import type { SettledCall } from '../../core/call/record.ts'
import { locate } from '../../core/protocol/locate.ts'
import { argumentsHash, argumentsKey } from '../../core/secrets/arguments-hash.ts'
import { redactedArguments } from '../../core/secrets/redacted-arguments.ts'
import type { Redaction } from '../../core/secrets/redaction.ts'
import type { KeptArguments } from './encode.ts'

export type ArgumentsPolicy = 'redacted' | 'hashed' | 'none'

/** `sealKey`: of the installation, from which the key of the digests follows. */
export function keptArguments(policy: ArgumentsPolicy, redaction: Redaction, sealKey: Uint8Array): KeptArguments {
  if (policy === 'none') return () => 'null'
  const key = policy === 'hashed' ? argumentsKey(sealKey) : undefined
  return (call) => {
    const args = argumentsOf(call)
    if (args === undefined) return 'null'
    // Line ends may stand between members alone, and a row is a line.
    return key === undefined ? redactedArguments(args, redaction).replaceAll(/[\n\r]/g, ' ') : `"${argumentsHash(args, key)}"`
  }
}

function argumentsOf({ family, params }: SettledCall): Uint8Array | undefined {
  return family === 'invoke' && params !== undefined ? locate(params.bytes, argumentsPath) : undefined
}

const argumentsPath = ['arguments']
