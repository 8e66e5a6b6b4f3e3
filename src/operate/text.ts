// Plain text for people on a terminal: tables, and colours where the stream has them.
import { forTerminal, onOneLine } from '../core/text/terminal.ts'

export interface Style {
  bold(text: string): string
  dim(text: string): string
  good(text: string): string
  bad(text: string): string
}

/** Colours for this stream, or none where it is no terminal or the person wants none (https://no-color.org). */
export function styleFor(stream: { readonly isTTY?: boolean }): Style {
  const on = stream.isTTY === true && (process.env.NO_COLOR ?? '') === '' && process.env.TERM !== 'dumb'
  const wrap = (open: number, close: number) => (text: string) => (on ? `\u001b[${open}m${text}\u001b[${close}m` : text)
  return { bold: wrap(1, 22), dim: wrap(2, 22), good: wrap(32, 39), bad: wrap(31, 39) }
}

/** Columns wide enough for their longest cell, two spaces between, two before. Cells are plain text of anybody's; `paint` may colour the padded ones. */
export function table(
  cells: readonly (readonly string[])[],
  paint: (cell: string, row: number, column: number) => string = (cell) => cell,
): string {
  const rows = cells.map((row) => row.map(onOneLine))
  const widths: number[] = []
  for (const row of rows) for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length)
  return rows
    .map((row, index) => {
      const padded = row.map((cell, column) => {
        const last = column === row.length - 1
        return paint(cell, index, column) + (last ? '' : ' '.repeat((widths[column] ?? 0) - cell.length))
      })
      return `  ${padded.join('  ')}`.trimEnd()
    })
    .join('\n')
}

/** The first line, cut to a length. */
export function firstLine(text: string, length: number): string {
  const line =
    forTerminal(text)
      .split('\n')
      .find((each) => each.trim() !== '')
      ?.trim() ?? ''
  return line.length <= length ? line : `${line.slice(0, length - 1)}…`
}
