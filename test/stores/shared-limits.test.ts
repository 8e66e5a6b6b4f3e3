// Three gateways, each a process, use the limits of one Redis as fast as they can: together they grant what the limit says in any period,
// also one that begins in the middle of another.
import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { Closers } from '../peers/admitting.ts'
import { eventually } from '../peers/processes.ts'
import { type RedisServer, redisPath, startRedis } from '../peers/redis.ts'

type Grant = readonly [at: number, amount: number]
interface Limit {
  readonly name: string
  readonly most: number
  readonly periodMs: number
}
interface Said {
  /** So far. */
  readonly answers: number
  readonly grants?: readonly (readonly Grant[])[]
}

const closers: Closers = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

class GatewayProcess {
  private readonly child: ChildProcess
  private readonly said: Said[] = []
  private told: () => void = () => undefined

  constructor(argument: unknown) {
    const program = join(import.meta.dirname, 'limits-gateway.mjs')
    this.child = fork(program, [JSON.stringify(argument)], { serialization: 'advanced' })
    this.child.on('message', (message) => {
      this.said.push(message as Said)
      this.told()
    })
    this.child.on('exit', () => this.told())
    closers.push(async () => {
      this.child.kill('SIGKILL')
    })
  }

  run(): void {
    this.child.send('run')
  }

  stop(): void {
    this.child.send('stop')
  }

  /** So far, as it said last. */
  get answers(): number {
    return this.said.at(-1)?.answers ?? 0
  }

  async says(what: (said: Said) => boolean): Promise<Said> {
    for (;;) {
      const found = this.said.find(what)
      if (found !== undefined) return found
      if (this.child.exitCode !== null) throw new Error(`A gateway ended with ${this.child.exitCode}`)
      await new Promise<void>((resolve) => {
        this.told = resolve
      })
    }
  }
}

/** `deadlineMs`: where nothing is lost it is one that a busy machine keeps. */
async function startThree(redis: RedisServer, limits: readonly Limit[], deadlineMs: number): Promise<GatewayProcess[]> {
  const options = { url: redis.url, onLoss: 'local', gateways: 3, deadlineMs }
  const gateways = [1, 2, 3].map(() => new GatewayProcess({ options, limits }))
  await Promise.all(gateways.map((gateway) => gateway.says(() => true)))
  for (const gateway of gateways) gateway.run()
  return gateways
}

/** Until so many ms have gone by for Redis. */
async function passed(redis: RedisServer, ms: number): Promise<void> {
  const start = await redis.now()
  await eventually(async () => (await redis.now()) >= start + ms, ms + 20_000)
}

async function grantsOf(gateways: readonly GatewayProcess[], limits: readonly Limit[]): Promise<Grant[][]> {
  for (const gateway of gateways) gateway.stop()
  const ended = await Promise.all(gateways.map((gateway) => gateway.says(({ grants }) => grants !== undefined)))
  return limits.map((_, index) => ended.flatMap(({ grants }) => grants?.[index] ?? []).sort(([one], [other]) => one - other))
}

/** The most that was granted in any period of that length. */
function mostWithin(grants: readonly Grant[], periodMs: number): number {
  let most = 0
  let sum = 0
  let from = 0
  for (const [at, amount] of grants) {
    sum += amount
    for (let [oldest, of] = grants[from] as Grant; oldest <= at - periodMs; [oldest, of] = grants[from] as Grant) {
      sum -= of
      from += 1
    }
    most = Math.max(most, sum)
  }
  return most
}

describe.skipIf(redisPath === undefined)('three gateways on one Redis', () => {
  const small: Limit = { name: 'small', most: 5, periodMs: 1_000 }
  const large: Limit = { name: 'large', most: 1_000, periodMs: 1_000 }
  const tokens: Limit = { name: 'tokens', most: 100_000, periodMs: 1_000 }
  const limits = [small, large, tokens]

  it('never grant more than a small limit in any period, and hold a large one within one per cent', async () => {
    const redis = await startRedis(closers)
    const gateways = await startThree(redis, limits, 5_000)
    await passed(redis, 4_000)
    const [ofSmall = [], ofLarge = [], ofTokens = []] = await grantsOf(gateways, limits)
    expect(mostWithin(ofSmall, 1_000)).toBe(5)
    expect(mostWithin(ofLarge, 1_000)).toBeLessThanOrEqual(1_010)
    expect(mostWithin(ofTokens, 1_000)).toBeLessThanOrEqual(101_000)
    // And it is used: in four periods more than in two.
    expect(ofSmall.length).toBeGreaterThan(10)
    expect(ofLarge.length).toBeGreaterThan(2_000)
    expect(ofTokens.reduce((sum, [, amount]) => sum + amount, 0)).toBeGreaterThan(200_000)
  })

  it.each([
    ['stands still', (redis: RedisServer) => redis.freeze(), (redis: RedisServer) => redis.thaw()],
    ['is killed', (redis: RedisServer) => redis.kill(), (redis: RedisServer) => redis.restart()],
  ])('go on answering while it %s, each within its share, and hold the limit together again', async (_what, lose, find) => {
    const redis = await startRedis(closers)
    const gateways = await startThree(redis, limits, 25)
    await passed(redis, 1_500)
    await lose(redis)
    const before = gateways.map(({ answers }) => answers)
    expect(await eventually(() => gateways.every(({ answers }, index) => answers > (before[index] ?? 0) + 1_000))).toBe(true)
    await find(redis)
    const foundAt = await redis.now()
    // They lease by Redis again: it counts in sub-windows of later.
    const newest = async (): Promise<number> => {
      const names = (await redis.client.keys('*')).filter((name) => name.includes('large'))
      return Math.max(0, ...(await Promise.all(names.map((name) => redis.client.hkeys(name)))).flat().map(Number))
    }
    expect(await eventually(async () => (await newest()) * (1_000 / 32) > foundAt + 500)).toBe(true)
    const [ofSmall = [], ofLarge = []] = await grantsOf(gateways, limits)
    // Where it is lost what one gateway had used is unknown to the others: each grants its share once more.
    expect(mostWithin(ofSmall, 1_000)).toBeLessThanOrEqual(2 * 5)
    expect(mostWithin(ofLarge, 1_000)).toBeLessThanOrEqual(2 * 1_000)
  })
})
