// What was answered to the same arguments before: one table for all tools of the gateway, of a size that never changes. Four entries share a
// place; the one that was longest not asked goes.

const entries = 32_768
const ways = 4
const words = 4
/** 16 bytes an entry: whose it is, the answer, rows and how often it was empty since, when the answer was compared. */
const tag = 0
const answer = 1
const packed = 2
const time = 3

export const memoryBytes = entries * words * 4
const timeUnitMs = 16
const mostEmpties = 0xffff

/** Nothing is known of rows; not empty, without rows; else the mean of ln(rows + 1) in thousandths, from here. */
const unknown = 0
const rowless = 1
const firstRows = 2
/** The mean follows the last counts. */
const meanRate = 0.5

export class ArgumentMemory {
  private readonly table = new Uint32Array(entries * words)

  /** Where these arguments of this tool are kept, or -1. */
  find(tool: number, asked: number): number {
    const mixed = mix(tool, asked)
    const wanted = tagOf(tool, asked)
    const first = (mixed % (entries / ways)) * ways * words
    for (let at = first; at < first + ways * words; at += words) if (this.table[at + tag] === wanted) return at
    return -1
  }

  /** A place for them, where there is none yet. */
  add(tool: number, asked: number, nowMs: number): number {
    const { table } = this
    const first = (mix(tool, asked) % (entries / ways)) * ways * words
    const now = unitsOf(nowMs)
    let oldest = first
    let age = -1
    for (let at = first; at < first + ways * words; at += words) {
      const here = table[at + tag] === 0 ? 0x1_0000_0000 : (now - (table[at + time] as number)) >>> 0
      if (here > age) {
        age = here
        oldest = at
      }
    }
    table[oldest + tag] = tagOf(tool, asked)
    table[oldest + answer] = 0
    table[oldest + packed] = 0
    table[oldest + time] = now
    return oldest
  }

  answerAt(at: number): number {
    return this.table[at + answer] as number
  }

  /** Since its answer was noted. */
  ageMs(at: number, nowMs: number): number {
    return ((unitsOf(nowMs) - (this.table[at + time] as number)) >>> 0) * timeUnitMs
  }

  /** Something was written at that time, after the answer was noted. */
  isOlderThan(at: number, thenMs: number, nowMs: number): boolean {
    if (!(thenMs > 0) || thenMs > nowMs) return thenMs > nowMs
    return (unitsOf(nowMs) - unitsOf(thenMs)) >>> 0 <= (unitsOf(nowMs) - (this.table[at + time] as number)) >>> 0
  }

  noteAnswer(at: number, hash: number, nowMs: number): void {
    this.table[at + answer] = hash
    this.table[at + time] = unitsOf(nowMs)
  }

  /** Mean of ln(rows + 1); -1: not empty, without rows; -2: nothing is known. */
  rowsAt(at: number): number {
    const code = (this.table[at + packed] as number) >>> 16
    return code === unknown ? -2 : code === rowless ? -1 : (code - firstRows) / 1_000
  }

  /** `logRows`: ln(rows + 1), or -1. */
  noteRows(at: number, logRows: number): void {
    let code = rowless
    if (logRows >= 0) {
      const before = this.rowsAt(at)
      const mean = before < 0 ? logRows : before + meanRate * (logRows - before)
      code = firstRows + Math.min(0xffff - firstRows, Math.round(mean * 1_000))
    }
    this.table[at + packed] = (code << 16) >>> 0
  }

  /** What it had says no more. */
  forgetRows(at: number): void {
    this.table[at + packed] = 0
  }

  /** Empty ones after the last that was not. */
  emptiesAt(at: number): number {
    return (this.table[at + packed] as number) & mostEmpties
  }

  noteEmpty(at: number): void {
    if (this.emptiesAt(at) < mostEmpties) this.table[at + packed] = (this.table[at + packed] as number) + 1
  }
}

function unitsOf(ms: number): number {
  return Math.floor(ms / timeUnitMs) >>> 0
}

function mix(a: number, b: number): number {
  let h = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ b
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d)
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39)
  return (h ^ (h >>> 15)) >>> 0
}

/** Never 0, which is a free entry. */
function tagOf(tool: number, asked: number): number {
  return (mix(asked ^ 0x5bd1e995, tool) | 1) >>> 0
}
