// Makes plain JSON of JSON with comments and trailing commas, as editors write it. Every character keeps its place, so that offsets stay true.

/** The text with comments and trailing commas blanked out. Whether the rest is JSON is for the parser to say. */
export function plainJson(text: string): string {
  const out = text.split('')
  let lastComma = -1
  let at = 0
  while (at < text.length) {
    const char = text[at]
    if (char === '"') {
      at = afterString(text, at)
      lastComma = -1
      continue
    }
    if (char === '/' && (text[at + 1] === '/' || text[at + 1] === '*')) {
      const end = afterComment(text, at)
      blank(out, at, end)
      at = end
      continue
    }
    if (char === ',') lastComma = at
    else if ((char === '}' || char === ']') && lastComma !== -1) out[lastComma] = ' '
    if (char === '\t') out[at] = ' '
    if (char !== ',' && char !== ' ' && char !== '\t' && char !== '\n' && char !== '\r') lastComma = -1
    at++
  }
  return out.join('')
}

function afterString(text: string, at: number): number {
  for (let i = at + 1; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === '"' || text[i] === '\n') return i + 1
  }
  return text.length
}

function afterComment(text: string, at: number): number {
  const line = text[at + 1] === '/'
  const end = text.indexOf(line ? '\n' : '*/', at + 2)
  if (end === -1) return text.length
  return line ? end : end + 2
}

function blank(out: string[], from: number, to: number): void {
  for (let i = from; i < to; i++) if (out[i] !== '\n' && out[i] !== '\r') out[i] = ' '
}
