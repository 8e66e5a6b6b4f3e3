// The connection of limits to their Redis. A question has a deadline; after a few that failed nobody asks until a probe of our own was
// answered, so that no call waits for a Redis that is away.
import { Redis } from 'ioredis'
import type { Clock, Timer } from '../../core/ports/clock.ts'
import type { Report } from '../../core/ports/report.ts'
import { argumentsOf, leaseScript } from './lease-script.ts'

/** Failures in a row after which it counts as away. */
const mostFailures = 3
/** Probes without an answer after which the connection is given up: that of a machine that vanished ends by nothing else. */
const mostProbes = 4
/** A lease like those of limits: a Redis that answers and takes nothing (a replica, one whose memory is full) is of no use. */
const probeKey = 'sb:{l:probe}'
const probe = argumentsOf({ periodMs: 1_000, most: 1_000_000, need: 1, want: 1, back: 0, backAt: 0, counted: 0, wipe: false })

type Leasing = Redis & { lease(key: string, ...args: readonly (string | number)[]): Promise<unknown> }

export interface RedisConnectionOptions {
  readonly url: string
  /** For an answer. */
  readonly deadlineMs: number
  /** Between two probes while it is away. */
  readonly probeMs: number
}

export class RedisConnection {
  private readonly clock: Clock
  private readonly report: Report
  private readonly options: RedisConnectionOptions
  private readonly back: () => void
  private readonly redis: Redis
  private isAway = true
  private failures = 0
  private probes = 0
  private probing: Promise<void> | undefined
  private closed = false
  private timer: Timer | undefined
  private nextProbeAt = 0
  private lastError = ''

  /** `back` is called when it is there, at the start and again after each loss. */
  constructor(clock: Clock, report: Report, options: RedisConnectionOptions, back: () => void) {
    this.clock = clock
    this.report = report
    this.options = options
    this.back = back
    this.redis = new Redis(options.url, {
      lazyConnect: true,
      // A question that cannot be sent now is answered otherwise, and one whose answer is lost may have been heard: none is kept or sent again.
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      connectTimeout: 1_000,
      disconnectTimeout: 200,
      retryStrategy: () => options.probeMs,
      // After a failover the old address may be that of a replica.
      reconnectOnError: (error) => error.message.startsWith('READONLY'),
      scripts: { lease: { lua: leaseScript, numberOfKeys: 1 } },
    })
    this.redis.on('error', (error: Error) => {
      this.lastError = error.message
    })
    this.redis.on('close', () => this.lose())
    this.redis.on('ready', () => void this.probe())
  }

  get away(): boolean {
    return this.isAway
  }

  /** Until it is known again whether it is there. */
  get retryInMs(): number {
    return Math.max(this.nextProbeAt - this.clock.mono(), 1)
  }

  /** Comes back when it is there or the first attempt failed. Never rejects. */
  async start(): Promise<void> {
    await this.redis.connect().catch((error: Error) => {
      this.lastError = error.message
    })
    if (this.redis.status === 'ready') await this.probe()
    else this.probeLater()
  }

  /**
   * Runs the script. Undefined where no answer came in time; `late` is told of one that comes afterwards all the same. Never rejects.
   */
  lease(key: string, args: readonly (string | number)[], late: (reply: unknown) => void): Promise<unknown> {
    return this.inTime((this.redis as Leasing).lease(key, ...args), late)
  }

  async close(): Promise<void> {
    this.closed = true
    this.timer?.cancel()
    if (this.redis.status === 'ready') await this.inTime(this.redis.quit(), () => undefined)
    this.redis.disconnect()
  }

  private inTime(answer: Promise<unknown>, late: (reply: unknown) => void): Promise<unknown> {
    return new Promise((resolve) => {
      let waits = true
      const over = (): void => {
        waits = false
        this.fail(`no answer within ${this.options.deadlineMs} ms`)
        resolve(undefined)
      }
      let timer = this.clock.timer(this.options.deadlineMs, () => {
        // Where this process stood still the answer may have come and not been read: what came is read between two timers.
        timer = this.clock.timer(1, over)
      })
      answer.then(
        (reply) => {
          if (!waits) return late(reply)
          timer.cancel()
          this.failures = 0
          resolve(reply)
        },
        (error: Error) => {
          if (!waits) return
          timer.cancel()
          this.fail(error.message)
          resolve(undefined)
        },
      )
    })
  }

  private fail(why: string): void {
    this.lastError = why
    this.failures += 1
    if (this.failures >= mostFailures) this.lose()
  }

  private lose(): void {
    if (this.isAway || this.closed) return
    this.isAway = true
    this.probes = 0
    this.report.log('warn', 'The Redis of limits is away', { error: this.lastError })
    this.probeLater()
  }

  private probeLater(): void {
    if (this.closed) return
    this.timer?.cancel()
    this.nextProbeAt = this.clock.mono() + this.options.probeMs
    this.timer = this.clock.timer(this.options.probeMs, () => void this.probe())
  }

  /** One at a time. */
  private probe(): Promise<void> {
    this.probing ??= this.probeOnce().finally(() => {
      this.probing = undefined
    })
    return this.probing
  }

  private async probeOnce(): Promise<void> {
    if (!this.isAway || this.closed) return
    const answer = this.redis.status === 'ready' ? await this.lease(probeKey, probe, () => undefined) : undefined
    if (this.closed) return
    if (answer === undefined) {
      this.probes += 1
      if (this.probes % mostProbes === 0) this.redis.disconnect(true)
      this.probeLater()
      return
    }
    this.isAway = false
    this.failures = 0
    this.timer?.cancel()
    this.report.log('info', 'The Redis of limits is there')
    this.back()
  }
}
