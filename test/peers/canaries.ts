// Secrets that are given to one place, and looked for in all others: as they are, and as they are written in JSON, addresses, Basic credentials
// and dumps of bytes.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

interface Canary {
  readonly name: string
  readonly value: string
  /** Places that have to have it: else it was never in use, and nowhere to be found. */
  readonly at: readonly string[]
}

export type Places = Readonly<Record<string, string>>

export class Canaries {
  private readonly planted: Canary[] = []

  /** Gives back the value. `at`: where it belongs. */
  plant(name: string, value: string, ...at: string[]): string {
    if (value.length < 12) throw new Error(`${name} is too short to be told from other text`)
    this.planted.push({ name, value, at })
    return value
  }

  get names(): readonly string[] {
    return this.planted.map(({ name }) => name)
  }

  /** `name in place`, for each that is where it does not belong. */
  strays(places: Places): string[] {
    return this.planted.flatMap((canary) =>
      Object.entries(places)
        .filter(([place, text]) => !canary.at.includes(place) && holds(text, canary.value))
        .map(([place]) => `${canary.name} in ${place}`),
    )
  }

  /** `name not in place`, for each that never came where it belongs. */
  unused(places: Places): string[] {
    return this.planted.flatMap(({ name, value, at }) =>
      at.filter((place) => !holds(places[place] ?? '', value)).map((place) => `${name} not in ${place}`),
    )
  }
}

function holds(text: string, value: string): boolean {
  return spellings(value).some((spelling) => text.includes(spelling))
}

/** How a value is found in what somebody wrote. Base64 takes three bytes at a time: which of them begins it depends on what stands before. */
export function spellings(value: string): string[] {
  const based = [0, 1, 2].flatMap((before) => {
    const text = Buffer.concat([Buffer.alloc(before, 0x20), Buffer.from(value)]).toString('base64')
    const inner = text.replace(/=+$/, '').slice(before === 0 ? 0 : 4, -3)
    return [inner, inner.replaceAll('+', '-').replaceAll('/', '_')]
  })
  const plain = [value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value), encodeURIComponent(value).toLowerCase()]
  return [...new Set([...plain, ...based, Buffer.from(value).toString('hex')])]
}

/** All files below a folder, as bytes. */
export function bytesIn(folder: string, but: readonly string[] = []): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !but.includes(entry.name))
    .map(({ parentPath, name }) => `${name}\n${readFileSync(join(parentPath, name), 'latin1')}`)
    .join('\n')
}

/** Command lines and environments of what a process has started, children of children included. */
export function childrenOf(pid: number): { readonly count: number; readonly text: string } {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    // The name of the program stands in brackets and may hold anything.
    const stat = looked(`/proc/${name}/stat`)
    parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]))
  }
  const below = (one: number): boolean => {
    for (let at = parents.get(one); at !== undefined && at > 1; at = parents.get(at)) if (at === pid) return true
    return false
  }
  const children = [...parents.keys()].filter(below)
  return { count: children.length, text: children.map((one) => looked(`/proc/${one}/cmdline`) + looked(`/proc/${one}/environ`)).join('\n') }
}

function looked(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}
