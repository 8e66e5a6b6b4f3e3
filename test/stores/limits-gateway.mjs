// One of several gateways that use limits as fast as they can, all by one Redis: by the store of the built product, in a process of its own.
// argv: what the store needs and the limits, as JSON. Runs when told to, until it is told to stop, and sends when each grant was
// made, by the clock that all processes of a machine have in common. Says each hundred ms how many answers it had.
import { systemClock } from '../../dist/platform/clock/system-clock.js'
import { RedisLimitStore } from '../../dist/platform/limits/redis.js'

const { options, limits } = JSON.parse(process.argv[2] ?? '')
const report = { log: () => undefined, counters: { add: () => undefined } }
const store = new RedisLimitStore(systemClock, report, options)
const allowances = limits.map(({ name, most, periodMs }) => ({ key: JSON.stringify(['acme', name]), most, periodMs }))
const grants = limits.map(() => [])
const now = () => Number(process.hrtime.bigint()) / 1e6
let answers = 0
let stopped = false

async function run() {
  let next = now()
  while (!stopped) {
    if (now() >= next) {
      next = now() + 100
      process.send({ answers })
    }
    for (const [index, allowance] of allowances.entries()) {
      const { most } = limits[index]
      // Some of what is spent is not one but many: tokens.
      const amount = most > 10_000 ? 1 + (answers % 97) : 1
      const wait = store.waitMs(allowance, amount, systemClock.mono())
      if (typeof wait !== 'number') await wait
      else {
        answers += 1
        if (wait > 0) continue
        store.add(allowance, amount, systemClock.mono())
        grants[index].push([now(), amount])
      }
    }
    if (answers % 64 < 3) await new Promise((resolve) => setImmediate(resolve))
  }
  await store.close()
  process.send({ grants, answers })
}

process.on('message', (message) => {
  if (message === 'run') void run()
  else stopped = true
})
process.on('disconnect', () => process.exit(0))
await store.start()
process.send({ answers: 0 })
