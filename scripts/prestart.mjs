// Runs before `npm start`: sets up what is missing or outdated.
import { build, install, requireNode } from './set-up.mjs'

requireNode()
await install()
await build()
