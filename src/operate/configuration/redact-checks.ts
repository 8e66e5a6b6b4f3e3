// What `redact` says that cannot be done.
import type { Settings } from '../../assembly/settings.ts'
import { problemOfPattern } from '../../core/secrets/configured-patterns.ts'
import { error, type Finding } from '../../platform/config/index.ts'

export function redactFindings({ redact }: Settings): Finding[] {
  return redact.patterns.flatMap((pattern, at) => {
    const problem = problemOfPattern(pattern)
    return problem === undefined
      ? []
      : [error(['redact', 'patterns', at], problem, 'write what is to be redacted itself, without its surroundings')]
  })
}
