import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { ManualClock } from '../../test/doubles/manual-clock.ts'
import { LineWriter } from './line-writer.ts'

const folder = mkdtempSync(join(tmpdir(), 'signalbox-lines-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('the line writer', () => {
  it('writes every line once and in order, whatever the pieces', async () => {
    const file = join(folder, 'all')
    const fd = openSync(file, 'w')
    const writer = new LineWriter(fd, new ManualClock())
    const lines = Array.from({ length: 5_000 }, (_, n) => `line ${n} ${'é'.repeat(n % 90)}\n`)
    for (const line of lines) {
      writer.write(line)
      if (line.length % 7 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    await writer.flush()
    closeSync(fd)
    expect(readFileSync(file, 'utf8')).toBe(lines.join(''))
  })

  it('makes lines when they are needed, in their order among the others', async () => {
    const file = join(folder, 'later')
    const fd = openSync(file, 'w')
    const clock = new ManualClock()
    const writer = new LineWriter(fd, clock)
    let made = 0
    const lines = Array.from({ length: 300 }, (_, n) => `line ${n}\n`)
    for (const [n, line] of lines.entries()) {
      if (n % 100 === 99) writer.write(line)
      else {
        writer.later(() => {
          made += 1
          return line
        })
      }
      if (n === 10) expect(made).toBe(0)
    }
    await writer.flush()
    expect(clock.pending).toBe(0)
    writer.later(() => 'the last\n')
    await clock.advance(1_000)
    await writer.flush()
    closeSync(fd)
    expect(readFileSync(file, 'utf8')).toBe(`${lines.join('')}the last\n`)
  })

  it('waits for no stalled reader: it drops, and says how much', async () => {
    const file = join(folder, 'stalled')
    const fd = openSync(file, 'w')
    const writer = new LineWriter(fd, new ManualClock())
    const line = `${'x'.repeat(99_999)}\n`
    // The first piece is under way and cannot finish before this turn ends.
    for (let n = 0; n < 100; n += 1) writer.write(line)
    await writer.flush()
    closeSync(fd)
    const text = readFileSync(file, 'utf8')
    const told = /"lines":(\d+)/.exec(text)
    expect(Number(told?.[1])).toBeGreaterThan(5)
  })
})
