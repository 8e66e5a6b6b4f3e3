// Baggage (W3C Baggage §3.3): a list of `key=value;properties` in one text, as the header of that name and `_meta.baggage` (SEP-414) carry it.

/** Characters that are looked at: the specification asks for 8192 to be carried on. */
const longest = 8_192

/** The value of the first entry of the key, decoded; undefined where there is none that can be read. */
export function baggageValue(text: string, key: string): string | undefined {
  if (text.length > longest || !text.includes(key)) return undefined
  for (const entry of text.split(',')) {
    const [member = ''] = entry.split(';', 1)
    const equals = member.indexOf('=')
    if (equals < 0 || member.slice(0, equals).trim() !== key) continue
    return decoded(member.slice(equals + 1).trim())
  }
  return undefined
}

function decoded(text: string): string | undefined {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
