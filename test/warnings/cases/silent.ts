import { execFileSync } from 'node:child_process'
import { it } from 'vitest'

it('passes, and its program too', () => {
  execFileSync(process.execPath, ['-e', 'process.stderr.write("not a warning of Node.js")'], { stdio: 'ignore' })
})
