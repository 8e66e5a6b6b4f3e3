// A TOML file as a source: the parser says what stands in it, a look at its lines where. Keys within an inline table or a list are found
// at the line that begins it.
import { parse, TomlError } from 'smol-toml'
import { keyOf, type Path, type Problem, valueAt } from './problem.ts'
import type { Source } from './source.ts'

interface Place {
  readonly line: number
  readonly column: number
}

interface Places {
  readonly key: Place
  readonly value: Place
}

const top: Places = { key: { line: 1, column: 1 }, value: { line: 1, column: 1 } }

export function parseTomlSource(file: string, text: string): Source {
  const { value, problems } = parsed(file, text)
  const places = placesOf(text)
  const locate: Source['locate'] = (path, part = 'value') => {
    for (let length = path.length; length > 0; length--) {
      const found = places.get(idOf(path.slice(0, length)))
      if (found !== undefined) return length === path.length ? found[part] : found.value
    }
    return top[part]
  }
  return {
    file,
    value,
    problems,
    locate,
    has: (path) => valueAt(value, path) !== undefined,
    written: () => undefined,
    problem: (path, what, mend, part) => ({ file, ...locate(path, part), key: keyOf(path), what, mend }),
  }
}

function parsed(file: string, text: string): { readonly value: unknown; readonly problems: readonly Problem[] } {
  try {
    return { value: parse(text, { integersAsBigInt: 'asNeeded' }), problems: [] }
  } catch (thrown) {
    const place = thrown instanceof TomlError ? { line: thrown.line, column: thrown.column } : top.value
    const said = thrown instanceof Error ? (thrown.message.split('\n')[0] ?? '') : ''
    const what = `is not valid TOML (${said.replace(/^Invalid TOML document: /, '')})`
    return { value: undefined, problems: [{ file, ...place, key: '', what, mend: 'check quotes, brackets and keys here' }] }
  }
}

const bareOrQuoted = `(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)`
const dotted = `${bareOrQuoted}(?:\\s*\\.\\s*${bareOrQuoted})*`
const header = new RegExp(`^\\s*\\[\\[?\\s*(${dotted})\\s*\\]`)
const assignment = new RegExp(`^(\\s*)(${dotted})(\\s*=\\s*)`)

function placesOf(text: string): ReadonlyMap<string, Places> {
  const places = new Map<string, Places>()
  const note = (path: Path, found: Places): void => {
    for (let length = 1; length <= path.length; length++) {
      const id = idOf(path.slice(0, length))
      if (!places.has(id)) places.set(id, found)
    }
  }
  let table: readonly string[] = []
  for (const [index, line] of text.split('\n').entries()) {
    const line1 = index + 1
    const opens = header.exec(line)
    if (opens !== null) {
      table = partsOf(opens[1] ?? '')
      const place = { line: line1, column: line.indexOf('[') + 1 }
      note(table, { key: place, value: place })
      continue
    }
    const assigns = assignment.exec(line)
    if (assigns === null) continue
    const [whole, indent = '', key = ''] = assigns
    note([...table, ...partsOf(key)], {
      key: { line: line1, column: indent.length + 1 },
      value: { line: line1, column: whole.length + 1 },
    })
  }
  return places
}

function partsOf(key: string): string[] {
  return (key.match(new RegExp(bareOrQuoted, 'g')) ?? []).map((part) => part.replace(/^["']|["']$/g, ''))
}

function idOf(path: Path): string {
  return JSON.stringify(path.map(String))
}
