// `npm run build`: a fresh dist/, if the sources changed.
import { build, requireNode } from './set-up.mjs'

requireNode()
await build({ lenient: process.argv.includes('--lenient') })
