import { execFileSync } from 'node:child_process'
import { it } from 'vitest'

it('passes, with a program that uses what is deprecated', () => {
  execFileSync(process.execPath, ['-e', 'process.emitWarning("Old ways", "DeprecationWarning", "DEP9999")'], { stdio: 'ignore' })
})
