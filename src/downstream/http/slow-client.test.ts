import { Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { Backlog } from './slow-client.ts'

/** Takes nothing. */
function stuck(): Writable {
  return new Writable({ write: () => {} })
}

function rig(mostBytes: number) {
  const backlog = new Backlog(mostBytes)
  const cut: string[] = []
  const report = { log: () => {}, counters: { add: (name: string, labels: object) => void cut.push(`${name} ${Object.values(labels)}`) } }
  const send = (stream: Writable, bytes: number): void => {
    stream.write(Buffer.alloc(bytes))
    backlog.wrote(stream, bytes, report)
  }
  return { send, cut }
}

describe('clients that read too slowly', () => {
  it('hold up no more together than is allowed: those with most are cut, the others keep what waits for them', () => {
    const { send, cut } = rig(10_000_000)
    const small = Array.from({ length: 10 }, stuck)
    const large = Array.from({ length: 50 }, stuck)
    for (const stream of small) send(stream, 100_000)
    for (const stream of large) {
      for (let n = 0; n < 4; n += 1) send(stream, 200_000)
      const unsent = [...small, ...large].reduce((sum, { destroyed, writableLength }) => sum + (destroyed ? 0 : writableLength), 0)
      expect(unsent).toBeLessThanOrEqual(10_000_000 * (1 + 1 / 16) + 200_000)
    }
    expect(small.some(({ destroyed }) => destroyed)).toBe(false)
    expect(large.filter(({ destroyed }) => destroyed).length).toBe(cut.length)
    expect(new Set(cut)).toEqual(new Set(['clients_cut all']))
  })

  it('are each cut on their own too', () => {
    const { send, cut } = rig(Number.POSITIVE_INFINITY)
    const stream = stuck()
    for (let n = 0; n < 18; n += 1) send(stream, 1_000_000)
    expect([stream.destroyed, cut]).toEqual([true, ['clients_cut own']])
  })

  it('that have read are no longer counted', async () => {
    const { send, cut } = rig(1_000_000)
    for (let n = 0; n < 100; n += 1) {
      const stream = new Writable({ write: (_chunk, _encoding, done) => setImmediate(done) })
      send(stream, 500_000)
      await new Promise((resolve) => stream.end(() => stream.once('close', resolve)))
    }
    expect(cut).toEqual([])
  })
})
