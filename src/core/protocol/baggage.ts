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

/** The entries of these keys as they were; undefined where there is none. */
export function keptBaggage(text: string, keys: ReadonlySet<string>): string | undefined {
  if (keys.size === 0 || text.length > longest) return undefined
  let kept: string | undefined
  for (const entry of text.split(',')) {
    const [key = ''] = entry.split(/[=;]/, 1)
    if (!keys.has(key.trim()) || !isEntry(entry)) continue
    kept = kept === undefined ? entry.trim() : `${kept},${entry.trim()}`
  }
  return kept
}

/** Visible ASCII with spaces round its parts, as the grammar has it: whatever else stands in it goes into no header. */
function isEntry(entry: string): boolean {
  return entry.includes('=') && /^[\t\x20-\x7e]*$/.test(entry)
}

/**
 * The baggage with these entries, each in place of all of its key; an undefined one is none. What else stands in it is as it was, as far as there is room: whole entries
 * are left out at the end (§3.3.2).
 */
export function withBaggage(text: string | undefined, entries: readonly (readonly [key: string, value: string | undefined])[]): string {
  let own = ''
  for (const [key, value] of entries) if (value !== undefined) own += `${own === '' ? '' : ','}${key}=${encoded(value)}`
  if (text === undefined) return own
  const room = longest - own.length - 1
  const whole = text.length <= room ? text : text.slice(0, Math.max(0, text.lastIndexOf(',', room)))
  const others = whole
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '' && !entries.some(([key]) => isOf(entry, key)))
  return [...others, own].join(',')
}

function isOf(entry: string, key: string): boolean {
  return entry.split(/[=;]/, 1)[0]?.trim() === key
}

/** More is escaped than has to be, which every reader takes back. */
function encoded(value: string): string {
  return /^[\w.-]*$/.test(value) ? value : encodeURIComponent(value)
}

function decoded(text: string): string | undefined {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
