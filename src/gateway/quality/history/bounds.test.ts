// What holds whatever a tool sends: no number that is none, nothing thrown, one size; and what is kept over restarts.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { aHash, drawsOf, emptyResult, rowsResult, Traffic } from '../../../../test/doubles/gateway/tool-traffic.ts'
import type { Format, Looked, ResultKind, Seen } from '../looked.ts'
import { ArgumentMemory, memoryBytes } from './argument-memory.ts'
import { Histories } from './histories.ts'
import { numberCount } from './layout.ts'
import { fromBytes, toBytes } from './saved-history.ts'
import { ToolHistory } from './tool-history.ts'

const how = { rows: undefined, emptyIsNormal: false, isPayload: false, sensitivity: 'normal' } as const
const numbers = [0, -1, 1, 0.5, 7, 200, 5e3, 1e9, 1e18, 1e300, -1e300, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
const kinds: ResultKind[] = ['ok', 'ok', 'ok', 'tool_error', 'hidden_error', 'empty', 'truncated', 'schema_violation', 'oversize']
const formats: Format[] = ['none', 'json', 'jsonl', 'csv', 'table', 'list', 'prose', 'markup']
const paths = ['$', '$.rows', '', '__proto__', 'x'.repeat(10_000), 'lines', '$.a', '$.b', '$.c']

function hostile(seed: number): () => Seen {
  const draws = drawsOf(seed)
  const any = <T>(from: readonly T[]): T => from[draws.between(0, from.length - 1)] as T
  let atMs = 1.8e12
  return () => {
    atMs += draws.between(0, 1e6)
    const looked: Looked = {
      kind: any(kinds),
      rule: any(['', 'no_rows', 'x']),
      weak: draws.chance(0.3),
      excerpt: draws.chance(0.5) ? 'x' : undefined,
      format: any(formats),
      bytes: draws.chance(0.5) ? draws.between(0, 1e6) : any(numbers),
      rows: Array.from({ length: draws.between(0, 6) }, () => ({ path: any(paths), count: any(numbers), bytes: any(numbers) })),
      keys: Array.from({ length: draws.between(0, 14) }, () => any(paths)),
      form: any(numbers),
      hash: draws.chance(0.5) ? aHash() : any(numbers),
    }
    return {
      looked,
      atMs: draws.chance(0.8) ? atMs : any(numbers),
      latencyMs: draws.chance(0.5) ? draws.between(0, 1e4) : any(numbers),
      asked: draws.chance(0.5) ? draws.between(0, 20) : any(numbers),
      wroteAtMs: any(numbers),
    }
  }
}

describe('hostile results', () => {
  it('leave no number that is none, in whatever order they come', () => {
    for (let seed = 1; seed <= 40; seed += 1) {
      const history = new ToolHistory(seed, new ArgumentMemory())
      const next = hostile(seed)
      const draws = drawsOf(seed)
      for (let i = 0; i < 1_500; i += 1) {
        const said = JSON.stringify(history.take(next(), how))
        expect(said).not.toMatch(/NaN|Infinity/)
        if (draws.chance(0.01)) history.acknowledge('empty', draws.chance(0.5) ? 'normal' : 'fault', i)
        if (draws.chance(0.01)) history.acknowledge('size', 'normal', Number.NaN)
        if (draws.chance(0.01)) history.acknowledge('latency', draws.chance(0.5) ? 'normal' : 'fault', 1e300)
      }
      const saved = history.saved()
      expect(saved.numbers.every(Number.isFinite), `seed ${seed}`).toBe(true)
      expect(saved.numbers).toHaveLength(numberCount)
      expect(fromBytes(toBytes(saved)), `seed ${seed}`).toBeDefined()
      expect(JSON.stringify(history.usual())).not.toMatch(/null|NaN/)
    }
  })
})

describe('what is kept', () => {
  it('goes on where it was, with the episode that is open', () => {
    const before = new Traffic(1)
    before.times(100, () => rowsResult(before.draws.between(10, 50))).times(5, () => emptyResult())
    const kept = toBytes(before.history.saved())
    const history = new Histories().of('again', () => kept)
    const take = (looked: Looked) =>
      history.take({ looked, atMs: before.nowMs + 60_000, latencyMs: 200, asked: aHash(), wroteAtMs: 0 }, how)
    expect(take(emptyResult())).toMatchObject({ reasons: [{ kind: 'empty' }], alerts: [] })
    for (let i = 0; i < 7; i += 1) expect(take(rowsResult(20)).alerts).toEqual([])
    expect(take(rowsResult(20)).alerts).toMatchObject([{ what: 'closed', affected: 6 }])
    expect(history.usual().rows).toMatchObject({ path: '$.rows' })
  })

  it('is none where it is cut, of another version, or changed to what cannot be', () => {
    const t = new Traffic(1)
    t.history.deployed({ contract: 'sha256:x', version: '1' }, 0)
    t.times(100, () => rowsResult(20))
    const kept = toBytes(t.history.saved())
    expect(fromBytes(kept)).toBeDefined()
    for (let length = 0; length < kept.length; length += 1) expect(fromBytes(kept.subarray(0, length))).toBeUndefined()
    expect(fromBytes(Buffer.concat([kept, Buffer.from('x')]))).toBeUndefined()
    const other = Buffer.from(kept)
    other.writeUInt16LE(99, 2)
    expect(fromBytes(other)).toBeUndefined()
    const none = Buffer.from(kept)
    none.writeFloatLE(Number.NaN, 200)
    expect(fromBytes(none)).toBeUndefined()
  })

  it('changed in any way gives no number that is none later', () => {
    const t = new Traffic(1)
    t.times(300, () => rowsResult(t.draws.between(10, 50)))
    const kept = toBytes(t.history.saved())
    let taken = 0
    for (let seed = 1; seed <= 400; seed += 1) {
      const draws = drawsOf(seed)
      const changed = Buffer.from(kept)
      for (let i = 0; i < 3; i += 1) {
        const at = 8 + 4 * draws.between(0, numberCount - 1)
        changed.writeFloatLE([0, 1, 2, 1e9, 1e12, 1e-30, 3.5][draws.between(0, 6)] as number, at)
      }
      const saved = fromBytes(changed)
      if (saved === undefined) continue
      taken += 1
      const history = new ToolHistory(1, new ArgumentMemory(), saved.numbers)
      history.restore(saved.texts)
      const next = hostile(seed)
      for (let i = 0; i < 100; i += 1) expect(JSON.stringify(history.take(next(), how))).not.toMatch(/NaN|Infinity/)
      expect(saved.numbers.every(Number.isFinite), `seed ${seed}`).toBe(true)
    }
    expect(taken).toBeGreaterThan(50)
  })
})

describe('memory', () => {
  it('is at most 2 KiB a tool, and 512 KiB for all arguments', () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const count = 2_000
    const memory = new ArgumentMemory()
    const kept: ToolHistory[] = []
    const used = (): number => {
      collect()
      const { heapUsed, arrayBuffers } = process.memoryUsage()
      return heapUsed + arrayBuffers
    }
    const before = used()
    for (let i = 0; i < count; i += 1) {
      const history = new ToolHistory(i, memory)
      history.deployed({ contract: 'sha256:a', version: '1.2.3' }, 0)
      for (let call = 0; call < 30; call += 1)
        history.take({ looked: rowsResult(20), atMs: 1.8e12 + call * 1e5, latencyMs: 200, asked: call, wroteAtMs: 0 }, how)
      kept.push(history)
    }
    const each = (used() - before) / count
    expect(kept).toHaveLength(count)
    expect(each).toBeLessThan(2_048)
    expect(memoryBytes).toBe(512 * 1_024)
  })

  it('is for so many tools: the one that was longest not used goes', () => {
    const histories = new Histories(3)
    const first = histories.of('a')
    for (const key of ['b', 'c', 'a', 'd']) histories.of(key)
    expect(histories.size).toBe(3)
    expect(histories.of('a')).toBe(first)
    expect(histories.toBytes('b')).toBeUndefined()
    expect(histories.toBytes('d')).toBeDefined()
  })
})

describe('the memory of arguments', () => {
  it('finds what was kept, each tool its own, and forgets the oldest of a place', () => {
    const memory = new ArgumentMemory()
    for (let asked = 0; asked < 10_000; asked += 1) memory.noteRows(memory.add(7, asked, 1_000 + asked), Math.log(asked + 1))
    let found = 0
    for (let asked = 0; asked < 10_000; asked += 1) {
      const at = memory.find(7, asked)
      if (at === -1) continue
      found += 1
      expect(memory.rowsAt(at)).toBeCloseTo(Math.log(asked + 1), 2)
      expect(memory.find(8, asked)).toBe(-1)
    }
    expect(found).toBeGreaterThan(9_500)
  })

  it('knows what was written since, and how often it was empty since it was not', () => {
    const memory = new ArgumentMemory()
    const at = memory.add(1, 1, 1.8e12)
    expect(memory.isOlderThan(at, 0, 1.8e12 + 1_000)).toBe(false)
    expect(memory.isOlderThan(at, 1.8e12 - 500, 1.8e12 + 1_000)).toBe(false)
    expect(memory.isOlderThan(at, 1.8e12 + 500, 1.8e12 + 1_000)).toBe(true)
    memory.noteRows(at, Math.log(21))
    for (let i = 0; i < 70_000; i += 1) memory.noteEmpty(at)
    expect([memory.emptiesAt(at), memory.rowsAt(at)]).toEqual([65_535, expect.closeTo(Math.log(21), 2)])
    memory.noteRows(at, Math.log(21))
    expect(memory.emptiesAt(at)).toBe(0)
  })
})

describe('a result in which nothing is found', () => {
  it('has one verdict, which nobody can change', () => {
    const t = new Traffic(1)
    const verdict = t.call(rowsResult(20))
    expect(t.call(rowsResult(21))).toBe(verdict)
    expect(Object.isFrozen(verdict.reasons) && Object.isFrozen(verdict.alerts)).toBe(true)
  })
})
