// The `?` of portable statements as the `$1`, `$2`, … of PostgreSQL. Only those that are parameters: not in strings, quoted names or comments.

const most = 512
const known = new Map<string, string>()

/** The statement for PostgreSQL. Statements are few and fixed, so each is read once. */
export function numbered(sql: string): string {
  const before = known.get(sql)
  if (before !== undefined) return before
  const made = translate(sql)
  if (known.size >= most) known.clear()
  known.set(sql, made)
  return made
}

function translate(sql: string): string {
  let out = ''
  let count = 0
  for (let at = 0; at < sql.length; ) {
    const end = endOfOpaque(sql, at)
    if (end > at) {
      out += sql.slice(at, end)
      at = end
    } else {
      const char = sql[at] as string
      out += char === '?' ? `$${++count}` : char
      at += 1
    }
  }
  return out
}

/** Where the string, quoted name or comment ends that begins at `at`; `at` itself where none begins there. What is never closed ends with the text. */
function endOfOpaque(sql: string, at: number): number {
  const char = sql[at]
  const next = sql[at + 1]
  if (char === "'") return endOfQuoted(sql, at, "'", isEscapeString(sql, at))
  if (char === '"') return endOfQuoted(sql, at, '"', false)
  if (char === '-' && next === '-') return orEnd(sql, sql.indexOf('\n', at))
  if (char === '/' && next === '*') return endOfComment(sql, at)
  if (char === '$') return endOfDollarQuoted(sql, at)
  return at
}

/** A quote that is doubled stands for itself; in `E'…'` a backslash takes the next character with it. */
function endOfQuoted(sql: string, at: number, quote: string, escapes: boolean): number {
  for (let i = at + 1; i < sql.length; i += 1) {
    if (escapes && sql[i] === '\\') i += 1
    else if (sql[i] === quote) {
      if (sql[i + 1] !== quote) return i + 1
      i += 1
    }
  }
  return sql.length
}

function isEscapeString(sql: string, at: number): boolean {
  return /^[eE]$/.test(sql[at - 1] ?? '') && !/[\w$]/.test(sql[at - 2] ?? ' ')
}

/** Comments nest. */
function endOfComment(sql: string, at: number): number {
  let depth = 0
  for (let i = at; i < sql.length; i += 1) {
    if (sql.startsWith('/*', i)) depth += 1
    else if (sql.startsWith('*/', i)) depth -= 1
    else continue
    i += 1
    if (depth === 0) return i + 1
  }
  return sql.length
}

function endOfDollarQuoted(sql: string, at: number): number {
  if (/[\w$]/.test(sql[at - 1] ?? ' ')) return at
  const tag = /^\$(?:[A-Za-z_]\w*)?\$/.exec(sql.slice(at, at + 66))?.[0]
  if (tag === undefined) return at
  const end = sql.indexOf(tag, at + tag.length)
  return end === -1 ? sql.length : end + tag.length
}

function orEnd(sql: string, at: number): number {
  return at === -1 ? sql.length : at
}
