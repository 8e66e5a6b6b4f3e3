import { expect, it } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { type Encoding, type ExportEvents, ExportQueue, mostInBatch } from './export-queue.ts'
import type { OtlpSender, Sent } from './sender.ts'

const mostQueued = 4_096
const taken: Sent = { kind: 'taken', answer: undefined }
const again: Sent = { kind: 'again', reason: 'HTTP 503', afterMs: undefined }

/** A queue of numbers in front of a collector that answers as the test says; what it got is `got`, by request. */
function rig(answer: (number: number) => Sent | Promise<Sent> = () => taken, rejected = 0) {
  const clock = new ManualClock()
  const got: number[][] = []
  const counts: Record<string, number> = {}
  const turns: (string | undefined)[] = []
  const bugs: unknown[] = []
  const count = (name: string, items: number): void => {
    counts[name] = (counts[name] ?? 0) + items
  }
  const events: ExportEvents = {
    taken: (items) => count('taken', items),
    dropped: count,
    turned: (reason) => turns.push(reason),
    bug: (error) => bugs.push(error),
  }
  const encoding: Encoding<number> = {
    encode: (items) => {
      if (items.includes(-1)) throw new Error('cannot be written')
      return Buffer.from(JSON.stringify(items))
    },
    rejectedIn: () => rejected,
  }
  let closed = false
  const sender: OtlpSender = {
    send: async (body, signal) => {
      got.push(JSON.parse(Buffer.from(body).toString()) as number[])
      const said = answer(got.length - 1)
      if (!(said instanceof Promise)) return said
      return Promise.race([said, new Promise<Sent>((resolve) => signal.addEventListener('abort', () => resolve(again)))])
    },
    close: async () => {
      closed = true
    },
  }
  const queue = new ExportQueue<number>({
    clock,
    random: { bytes: () => new Uint8Array(), id: () => '', callId: () => '', fraction: () => 0 },
    events,
    mostQueued,
  })
  return { clock, got, counts, turns, bugs, queue, open: () => queue.open(sender, encoding), isClosed: () => closed }
}

it('few wait a second, many leave at once, in their order and one request at a time', async () => {
  const gates: (() => void)[] = []
  const { queue, got, clock, open, counts } = rig(() => new Promise((resolve) => gates.push(() => resolve(taken))))
  open()
  queue.add([1, 2], false)
  await clock.advance(999)
  expect(got).toEqual([])
  await clock.advance(1)
  expect(got).toEqual([[1, 2]])
  for (let n = 0; n < 2 * mostInBatch; n += 1) queue.add([n], false)
  expect(got).toHaveLength(1)
  for (const expected of [2, 3]) {
    gates.shift()?.()
    await clock.advance(0)
    expect(got).toHaveLength(expected)
  }
  expect(got.slice(1).map((batch) => batch.length)).toEqual([mostInBatch, mostInBatch])
  gates.shift()?.()
  await clock.advance(0)
  expect([counts, queue.size]).toEqual([{ taken: 2 + 2 * mostInBatch }, 0])
})

it('what comes before there is a way out waits, and what matters is sent first', async () => {
  const { queue, got, open, clock } = rig()
  for (let n = 0; n < mostInBatch; n += 1) queue.add([n], false)
  queue.add([7_000], true)
  await clock.advance(10_000)
  expect(got).toEqual([])
  open()
  await clock.advance(1_000)
  expect(got[0]?.[0]).toBe(7_000)
})

it('a collector that is away costs what has no room, never what matters before what does not, and never more than there is room for', async () => {
  const { queue, open, clock, counts } = rig(() => again)
  open()
  let most = 0
  for (let n = 0; n < 3 * mostQueued; n += 1) {
    queue.add([n], n % 3 === 0)
    most = Math.max(most, queue.size)
    if (n % 512 === 0) await clock.advance(1)
  }
  expect(most).toBe(mostQueued)
  expect(counts.queue_full).toBe(2 * mostQueued)
  const gone = rig(() => taken)
  for (let n = 0; n < 2 * mostQueued; n += 1) gone.queue.add([n], n % 4 === 0)
  gone.open()
  await gone.clock.advance(60_000)
  const sent = gone.got.flat()
  expect(sent.filter((n) => n % 4 === 0)).toHaveLength(mostQueued / 2)
  expect(sent).toHaveLength(mostQueued)
  for (let n = 0; n < 2 * mostQueued; n += 1) gone.queue.add([n], true)
  expect(gone.queue.size).toBeLessThanOrEqual(mostQueued)
})

it('a request that is not taken is sent again, the same, after longer and longer pauses, and told once', async () => {
  const { queue, got, open, clock, turns, counts } = rig((n) => (n < 3 ? again : taken))
  open()
  queue.add([1], false)
  await clock.advance(1_000)
  expect(got).toHaveLength(1)
  for (const [pause, expected] of [
    [499, 1],
    [1, 2],
    [999, 2],
    [1, 3],
    [2_000, 4],
  ] as const) {
    await clock.advance(pause)
    expect(got).toHaveLength(expected)
  }
  expect(got).toEqual([[1], [1], [1], [1]])
  expect([turns, counts]).toEqual([['HTTP 503', undefined], { taken: 1 }])
})

it('and where the collector says when, then, for a minute at most', async () => {
  const { queue, got, open, clock } = rig((n) =>
    n === 0 ? { kind: 'again', reason: '', afterMs: 7_000 } : n === 1 ? { kind: 'again', reason: '', afterMs: 1e9 } : taken,
  )
  open()
  queue.add([1], false)
  await clock.advance(7_999)
  expect(got).toHaveLength(1)
  await clock.advance(1)
  expect(got).toHaveLength(2)
  await clock.advance(60_000)
  expect(got).toHaveLength(3)
})

it('what is refused, rejected, given up or cannot be written is dropped under its name, and the rest goes on', async () => {
  const refused = rig((n) => (n === 0 ? { kind: 'refused', reason: 'HTTP 400' } : taken))
  refused.open()
  refused.queue.add([1], true)
  await refused.clock.advance(1_000)
  refused.queue.add([-1, 2], true)
  await refused.clock.advance(1_000)
  refused.queue.add([3], false)
  await refused.clock.advance(1_000)
  expect(refused.counts).toEqual({ refused: 1, unencodable: 2, taken: 1 })
  expect(refused.bugs).toHaveLength(1)
  const part = rig(() => ({ kind: 'taken', answer: new Uint8Array(1) }), 2)
  part.open()
  part.queue.add([1, 2, 3], false)
  await part.clock.advance(1_000)
  expect(part.counts).toEqual({ rejected: 2, taken: 1 })
  const away = rig((n) => (n < 100 ? again : taken))
  away.open()
  away.queue.add([1], true)
  await away.clock.advance(420_000)
  expect(away.counts).toEqual({ given_up: 1 })
})

it('the end sends what waits, for so long, and drops the rest under its name', async () => {
  const good = rig()
  good.open()
  for (let n = 0; n < 600; n += 1) good.queue.add([n], false)
  await good.queue.end(3_000)
  expect([good.got.flat().length, good.counts, good.isClosed()]).toEqual([600, { taken: 600 }, true])
  good.queue.add([1, 2], true)
  expect(good.counts.shutdown).toBe(2)

  const hung = rig(() => new Promise(() => undefined))
  hung.open()
  for (let n = 0; n < 600; n += 1) hung.queue.add([n], false)
  let ended = false
  const ending = hung.queue.end(3_000).then(() => {
    ended = true
  })
  await hung.clock.advance(2_999)
  expect(ended).toBe(false)
  await hung.clock.advance(1)
  await ending
  expect([hung.counts, hung.queue.size]).toEqual([{ shutdown: 600 }, 0])

  const away = rig(() => again)
  away.open()
  away.queue.add([1], false)
  await away.clock.advance(1_200)
  await away.queue.end(3_000)
  expect(away.counts).toEqual({ shutdown: 1 })
  // Once more, and not again and again.
  expect(away.got).toHaveLength(2)
  const unopened = rig()
  unopened.queue.add([1], false)
  await unopened.queue.end(3_000)
  expect(unopened.counts).toEqual({ shutdown: 1 })
})
