// Plain text for people on a terminal: tables, colours where the stream has them, and text of strangers made harmless.

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

/** Columns wide enough for their longest cell, two spaces between, two before. Cells are plain text; `paint` may colour the padded ones. */
export function table(
  rows: readonly (readonly string[])[],
  paint: (cell: string, row: number, column: number) => string = (cell) => cell,
): string {
  const widths: number[] = []
  for (const row of rows) for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length)
  return rows
    .map((row, index) => {
      const cells = row.map((cell, column) => {
        const last = column === row.length - 1
        return paint(cell, index, column) + (last ? '' : ' '.repeat((widths[column] ?? 0) - cell.length))
      })
      return `  ${cells.join('  ')}`.trimEnd()
    })
    .join('\n')
}

/** Text of a server, without control characters that could drive the terminal. */
export function harmless(text: string): string {
  // C0 and C1 controls but tab and line feed.
  return [...text].filter((char) => !isControl(char.charCodeAt(0))).join('')
}

function isControl(code: number): boolean {
  return (code < 0x20 && code !== 0x09 && code !== 0x0a) || (code >= 0x7f && code <= 0x9f)
}

/** The first line, cut to a length. */
export function firstLine(text: string, length: number): string {
  const line =
    harmless(text)
      .split('\n')
      .find((each) => each.trim() !== '')
      ?.trim() ?? ''
  return line.length <= length ? line : `${line.slice(0, length - 1)}…`
}
