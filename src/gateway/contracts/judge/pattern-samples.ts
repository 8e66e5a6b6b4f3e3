// Short texts that probably match a regular expression; who uses them tries whether they do.

const classes: Readonly<Record<string, string>> = { d: '0', w: 'a', s: ' ', D: 'a', W: '-', S: 'a' }
const controls: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', f: '\f', v: '\v' }

/** The shortest by the order of the pattern, and one with each repetition once more; none where it is not understood. */
export function patternSamples(pattern: string): string[] {
  const found = new Set<string>()
  for (const more of [0, 1, 2]) {
    const text = new Reader(pattern, more).whole()
    if (text !== undefined) found.add(text)
  }
  return [...found]
}

/** More than this is no example any more. */
const longest = 300

class Reader {
  private readonly text: string
  private readonly more: number
  private at = 0
  private depth = 0

  constructor(text: string, more: number) {
    this.text = text
    this.more = more
  }

  whole(): string | undefined {
    const made = this.alternatives()
    return made !== undefined && this.at === this.text.length && made.length <= longest ? made : undefined
  }

  /** The first one; the others are read over. */
  private alternatives(): string | undefined {
    this.depth += 1
    if (this.depth > 50) return undefined
    const [first, ...others] = [this.sequence()]
    const all = [first, ...others]
    while (this.text[this.at] === '|') {
      this.at += 1
      all.push(this.sequence())
    }
    this.depth -= 1
    return all.includes(undefined) ? undefined : all[this.more % all.length]
  }

  private sequence(): string | undefined {
    let made = ''
    while (this.at < this.text.length && this.text[this.at] !== '|' && this.text[this.at] !== ')') {
      const one = this.atom()
      if (one === undefined) return undefined
      const times = this.times()
      if (times === undefined || one.length * times > longest) return undefined
      made += one.repeat(times)
    }
    return made
  }

  private atom(): string | undefined {
    const char = this.text[this.at]
    this.at += 1
    if (char === '^' || char === '$') return ''
    if (char === '.') return 'a'
    if (char === '[') return this.oneOfClass()
    if (char === '\\') return this.escape()
    if (char !== '(') return char
    if (this.text.startsWith('?:', this.at)) this.at += 2
    else if (this.text[this.at] === '?') {
      const name = /^\?<\w+>/.exec(this.text.slice(this.at))
      if (name === null) return undefined
      this.at += name[0].length
    }
    const inner = this.alternatives()
    if (inner === undefined || this.text[this.at] !== ')') return undefined
    this.at += 1
    return inner
  }

  private escape(): string | undefined {
    const char = this.text[this.at]
    this.at += 1
    if (char === undefined) return undefined
    if (char === 'b' || char === 'B') return ''
    if (/[1-9pPuxkc]/.test(char)) return undefined
    return classes[char] ?? controls[char] ?? char
  }

  private oneOfClass(): string | undefined {
    const negated = this.text[this.at] === '^'
    if (negated) this.at += 1
    const ranges: [string, string][] = []
    while (this.at < this.text.length && this.text[this.at] !== ']') {
      const from = this.member()
      if (from === undefined) return undefined
      if (this.text[this.at] === '-' && this.text[this.at + 1] !== ']') {
        this.at += 1
        const to = this.member()
        if (to === undefined) return undefined
        ranges.push([from, to])
      } else ranges.push([from, from])
    }
    if (this.text[this.at] !== ']') return undefined
    this.at += 1
    if (!negated) return ranges[this.more % Math.max(1, ranges.length)]?.[0]
    return [...'aA0-_ ~'].find((char) => !ranges.some(([from, to]) => char >= from && char <= to))
  }

  private member(): string | undefined {
    const char = this.text[this.at]
    this.at += 1
    return char === '\\' ? this.escape() : char
  }

  private times(): number | undefined {
    const char = this.text[this.at]
    let times = 1
    if (char === '*' || char === '?') times = char === '*' ? this.more : Math.min(1, this.more)
    else if (char === '+') times = 1 + this.more
    else if (char === '{') {
      const range = /^\{(\d+)(,(\d*))?\}/.exec(this.text.slice(this.at))
      if (range === null) return undefined
      this.at += range[0].length - 1
      const least = Number(range[1])
      const most = range[2] === undefined ? least : range[3] === '' ? Number.POSITIVE_INFINITY : Number(range[3])
      times = Math.min(least + this.more, most)
    } else return 1
    this.at += 1
    if (this.text[this.at] === '?') this.at += 1
    return times
  }
}
