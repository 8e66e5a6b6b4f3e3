// Runs before `npm test`: sets up what is missing or outdated. Type errors do not keep tests from running; `npm run types` tells them.
import { build, install, requireNode } from './set-up.mjs'

requireNode()
await install()
await build({ lenient: true })
