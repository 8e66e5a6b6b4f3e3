// Runs in front of each test file: a warning of Node.js in the file, or in a program that it starts, fails the file.
import { afterAll, inject } from 'vitest'
import { ownWarnings, refusal, takeWarnings, watchPrograms } from './warnings.ts'

const own = ownWarnings()
const folder = watchPrograms(process.env, inject('warnings'))

// Registered first, so it runs after all others.
afterAll(async () => {
  // A warning is told in the next tick.
  await new Promise((resolve) => setImmediate(resolve))
  own.stop()
  const refused = refusal([...own.heard, ...takeWarnings(folder)])
  if (refused !== undefined) throw new Error(refused)
})
