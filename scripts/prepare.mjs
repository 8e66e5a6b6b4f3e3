// Runs before `npm start`, `npm test` and whatever else needs dist/: installs and builds what is missing or outdated, else is done at once.
// `--lenient`: type errors do not stop it, `npm run types` tells them.
import { build, install, requireNode } from './set-up.mjs'

requireNode()
await install()
await build({ lenient: process.argv.includes('--lenient') })
