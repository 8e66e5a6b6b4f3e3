// Preloaded (NODE_OPTIONS) into the programs that tests and scripts start: what Node.js warns about is written into the folder that
// SIGNALBOX_TEST_WARNINGS names, a file a process. Programs of others, below node_modules, may warn.
const { appendFileSync } = require('node:fs')
const { join } = require('node:path')

const folder = process.env.SIGNALBOX_TEST_WARNINGS
const program = process.argv[1] ?? 'a program without a file'

if (folder !== undefined && !/[\\/]node_modules[\\/]/.test(program)) {
  process.on('warning', (warning) => {
    const text = `${program} (Node.js ${process.versions.node}): ${warning.stack ?? warning.message}\n`
    try {
      appendFileSync(join(folder, `${process.pid}.txt`), text)
    } catch {
      // The run is over and its folder gone; Node.js itself has printed the warning.
    }
  })
}
