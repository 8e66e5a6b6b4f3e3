// Loaded into the gateway of a chaos suite: on SIGUSR2 it writes what only the process itself can tell into the file `CHAOS_VITALS`.
import { writeFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { isMainThread } from 'node:worker_threads'

const file = process.env.CHAOS_VITALS
if (file !== undefined && isMainThread) {
  let timers = new Set()
  const counted = (make) =>
    Object.assign((...args) => {
      const timer = make(...args)
      timers.add(timer)
      // Those that are over are thrown out now and then, so that the count itself costs little.
      if (timers.size > 20_000) prune()
      return timer
    }, make)
  const prune = () => {
    timers = new Set([...timers].filter((timer) => timer._destroyed === false))
  }
  globalThis.setTimeout = counted(globalThis.setTimeout)
  globalThis.setInterval = counted(globalThis.setInterval)
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc')
  process.on('SIGUSR2', () => {
    prune()
    collect()
    writeFileSync(file, JSON.stringify({ timers: timers.size, heapBytes: process.memoryUsage().heapUsed }))
  })
}
