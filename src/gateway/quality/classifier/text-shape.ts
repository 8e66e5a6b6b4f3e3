// The format of a text that is no JSON, and its rows: tables, values with commas between, lists, lines.
import type { Format, RowCount } from '../looked.ts'
import type { ResultParts } from './result-parts.ts'

export interface TextShape {
  readonly format: Format
  readonly rows: readonly RowCount[]
  /** A table of which there is only the header. */
  readonly hasHeaderOnly: boolean
  /** The last row is shorter than the others, and no line's end is after it. */
  readonly isCut: boolean
}

const pipe = 0x7c
const space = 0x20
const comma = 0x2c
/** Lines that are looked at for values with commas between them. */
const mostCompared = 6
const fewestLines = 3

const prose: TextShape = { format: 'prose', rows: [], hasHeaderOnly: false, isCut: false }

export function shapeOf(parts: ResultParts, learned: Format | undefined): TextShape {
  const { text, textEnd } = parts
  if (text[0] === 0x3c && isTagStart(text[1] as number)) return { ...prose, format: 'markup' }
  if (parts.lines === 0) return prose
  const lines = new Lines(parts)
  if (lines.pipes >= 2 && lines.rule >= 0) return lines.table()
  const csv = lines.csv(learned === 'csv')
  if (csv !== undefined) return csv
  const rows: RowCount[] = []
  if (lines.bullets > 1) rows.push({ path: 'bullets', count: lines.bullets, bytes: lines.bulletBytes })
  if (lines.filled > fewestLines) rows.push({ path: 'lines', count: lines.filled, bytes: textEnd })
  return { ...prose, format: lines.bullets > 1 && lines.bullets * 2 >= lines.filled ? 'list' : 'prose', rows }
}

class Lines {
  /** Lines with ink. */
  filled = 0
  /** Lines that begin or end as rows of a table, with its header, and the line that parts it from the rows. */
  pipes = 0
  pipeBytes = 0
  rule = -1
  bullets = 0
  bulletBytes = 0
  private readonly parts: ResultParts
  private readonly count: number
  /** Rows after the line that parts the header from them. */
  private rowsAfter = 0

  constructor(parts: ResultParts) {
    this.parts = parts
    this.count = Math.min(parts.lines, parts.lineEnds.length) + (parts.lines < parts.lineEnds.length ? 1 : 0)
    for (let line = 0; line < this.count; line += 1) this.look(line)
  }

  private start(line: number): number {
    return line === 0 ? 0 : (this.parts.lineEnds[line - 1] as number) + 1
  }

  private end(line: number): number {
    return line < Math.min(this.parts.lines, this.parts.lineEnds.length) ? (this.parts.lineEnds[line] as number) : this.parts.textEnd
  }

  private look(line: number): void {
    const { text } = this.parts
    const end = this.end(line)
    let i = this.start(line)
    const begin = i
    while (i < end && (text[i] as number) <= space) i += 1
    if (i === end) return
    this.filled += 1
    const c = text[i] as number
    if (this.rule < 0 && line < 3 && (c === pipe || c === 0x2d || c === 0x2b) && isRule(text, i, end)) {
      if (line > 0) this.rule = line
      this.pipes += 1
      this.pipeBytes += end - begin
      return
    }
    if (c === pipe || (this.rule >= 0 && text.subarray(i, Math.min(end, i + 400)).includes(pipe))) {
      this.pipes += 1
      this.pipeBytes += end - begin
      if (this.rule >= 0) this.rowsAfter += 1
    } else if (line === 0 && text.subarray(i, Math.min(end, i + 400)).includes(pipe)) {
      this.pipes += 1
    }
    const isBullet =
      ((c === 0x2d || c === 0x2a || c === 0x2b) && text[i + 1] === space) || (c === 0xe2 && text[i + 1] === 0x80 && text[i + 2] === 0xa2)
    if (isBullet || isNumbered(text, i, end)) {
      this.bullets += 1
      this.bulletBytes += end - begin
    }
  }

  table(): TextShape {
    const { parts } = this
    const rows: RowCount[] = [{ path: 'table', count: this.rowsAfter, bytes: this.pipeBytes }]
    const last = this.count - 1
    const isCut =
      !parts.isPart &&
      this.rowsAfter >= 3 &&
      endsWithPipe(parts, this.start(last - 1), this.end(last - 1)) &&
      firstInk(parts, this.start(last), this.end(last)) === pipe &&
      !endsWithPipe(parts, this.start(last), this.end(last))
    return { format: 'table', rows, hasHeaderOnly: this.rowsAfter === 0, isCut }
  }

  /** Only a tool of which it is known gives a header alone. */
  csv(isLearned: boolean): TextShape | undefined {
    const { text } = this.parts
    const first = separators(text, this.start(0), this.end(0))
    if (first.count < 1) return undefined
    const compared = Math.min(this.filled, mostCompared)
    if (this.filled < (isLearned ? 1 : fewestLines)) return undefined
    // The last line may be cut.
    for (let line = 1; line < compared - 1; line += 1) {
      if (separators(text, this.start(line), this.end(line), first.of).count !== first.count) return undefined
    }
    if (!isLearned && first.of === comma && !isHeader(text, this.start(0), this.end(0))) return undefined
    const last = this.count - 1
    const isEnded = this.start(last) >= this.end(last)
    const ofLast = isEnded ? first : separators(text, this.start(last), this.end(last), first.of)
    const rows: RowCount[] = [{ path: 'csv', count: this.filled - 1, bytes: this.parts.textEnd }]
    const isCut = !this.parts.isPart && !isEnded && this.filled > fewestLines && !ofLast.quoted && ofLast.count < first.count
    return { format: 'csv', rows, hasHeaderOnly: this.filled === 1, isCut }
  }
}

function isTagStart(c: number): boolean {
  return c === 0x21 || c === 0x3f || (c >= 0x41 && c <= 0x5a) || (c >= 0x61 && c <= 0x7a)
}

/** `|---|:--:|`, `---+---`, `+----+` */
function isRule(text: Uint8Array, start: number, end: number): boolean {
  let dashes = 0
  let parts = 0
  for (let i = start; i < end; i += 1) {
    const c = text[i]
    if (c === 0x2d) dashes += 1
    else if (c === pipe || c === 0x2b) parts += 1
    else if (c !== space && c !== 0x3a && c !== 0x0d) return false
  }
  return dashes >= 2 && parts >= 1
}

function isNumbered(text: Uint8Array, at: number, end: number): boolean {
  let i = at
  while (i < end && i < at + 4 && (text[i] as number) >= 0x30 && (text[i] as number) <= 0x39) i += 1
  return i > at && (text[i] === 0x2e || text[i] === 0x29) && text[i + 1] === space
}

function endsWithPipe({ text }: ResultParts, start: number, end: number): boolean {
  let i = end - 1
  while (i > start && (text[i] as number) <= space) i -= 1
  return text[i] === pipe
}

/** Undefined of a blank line: what stands behind the last one is of another text. */
function firstInk({ text }: ResultParts, start: number, end: number): number | undefined {
  let i = start
  while (i < end && (text[i] as number) <= space) i += 1
  return i < end ? text[i] : undefined
}

interface Separators {
  readonly of: number
  readonly count: number
  readonly quoted: boolean
}

/** Tabs, semicolons or commas outside of quotes, whichever the line has first of these. */
function separators(text: Uint8Array, start: number, end: number, of = 0): Separators {
  let inQuotes = false
  let quoted = false
  const counts = { tab: 0, semicolon: 0, comma: 0 }
  for (let i = start; i < end; i += 1) {
    const c = text[i]
    if (c === 0x22) {
      inQuotes = !inQuotes
      quoted = true
    } else if (inQuotes) continue
    else if (c === 0x09) counts.tab += 1
    else if (c === 0x3b) counts.semicolon += 1
    else if (c === comma) counts.comma += 1
  }
  if (of === 0) {
    if (counts.tab > 0) return { of: 0x09, count: counts.tab, quoted }
    return counts.semicolon > counts.comma ? { of: 0x3b, count: counts.semicolon, quoted } : { of: comma, count: counts.comma, quoted }
  }
  return { of, count: of === 0x09 ? counts.tab : of === 0x3b ? counts.semicolon : counts.comma, quoted }
}

/** Names of columns: short, without a comma's space and without the end of a sentence. */
function isHeader(text: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i += 1) {
    const c = text[i] as number
    if (c === 0x2e || c === 0x3a || c === 0x7b || (c === comma && text[i + 1] === space)) return false
  }
  return end - start <= 1_000
}
