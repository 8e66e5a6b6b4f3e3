// What people and agents are told that a result said: short, on one line, without what a terminal or a log would act on.

const longest = 200

export function excerptOf(words: string): string {
  const cut = words.slice(0, longest * 2)
  let out = ''
  let wasSpace = true
  for (const char of cut) {
    if (out.length + char.length > longest) break
    const code = char.codePointAt(0) as number
    const isSpace = code <= 0x20 || (code >= 0x7f && code <= 0xa0)
    if (isSpace) {
      if (!wasSpace) out += ' '
    } else if (!isHidden(code)) out += char
    wasSpace = isSpace
  }
  return out.trimEnd()
}

/** Lone surrogates, marks of direction, what joins or is not seen, and tags. */
function isHidden(code: number): boolean {
  return (
    (code >= 0xd800 && code <= 0xdfff) ||
    (code >= 0x200b && code <= 0x200f) ||
    (code >= 0x2028 && code <= 0x202e) ||
    (code >= 0x2060 && code <= 0x206f) ||
    code === 0xfeff ||
    code === 0xad ||
    (code >= 0xe0000 && code <= 0xe0fff)
  )
}
