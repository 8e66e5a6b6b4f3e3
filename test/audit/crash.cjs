// Loaded before a gateway: the thread of its audit ends in another way each time that it is started, in the midst of its work.
const threads = require('node:worker_threads')

const ways = [
  "throw new Error('a bug in the thread')",
  'const kept = []; for (;;) kept.push(new Array(100_000).fill(kept.length))',
  'process.exit(3)',
]
let started = 0

threads.Worker = class extends threads.Worker {
  constructor(text, options) {
    const way = options?.name === 'signalbox-audit' ? ways[started++] : undefined
    if (way === undefined) super(text, options)
    else
      super(
        `let asked = 0
         require('node:worker_threads').parentPort.on('message', () => { if (++asked === 40) { ${way} } });${text}`,
        { ...options, resourceLimits: { maxOldGenerationSizeMb: 32 } },
      )
  }
}
require('node:module').syncBuiltinESMExports()
