// One text for equal JSON values, as RFC 8785 (JCS) writes it: members in the order of their UTF-16 units, numbers as ECMAScript has them.

export function stable(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value === 0 ? 0 : value) ?? 'null'
  if (Array.isArray(value)) return `[${value.map(stable).join(',')}]`
  const object = value as Readonly<Record<string, unknown>>
  const parts: string[] = []
  for (const key of Object.keys(object).sort()) {
    if (object[key] !== undefined) parts.push(`${JSON.stringify(key)}:${stable(object[key])}`)
  }
  return `{${parts.join(',')}}`
}

/** Whether two JSON values are equal, without regard to the order of members. */
export function equal(a: unknown, b: unknown): boolean {
  return a === b || (typeof a === 'object' && typeof b === 'object' && stable(a) === stable(b))
}

/** Sorted by their text, each once. */
export function distinct(values: readonly unknown[]): unknown[] {
  const byText = new Map(values.map((value) => [stable(value), value]))
  return [...byText.keys()].sort().map((text) => byText.get(text))
}

/** Adds a member under any name: assigned, `__proto__` would be no member. */
export function put(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
  else object[key] = value
}

/** Any depth, without a stack: names and values as they come, each with how deep it stands. */
export function inOrder(source: unknown): string {
  const parts: string[] = []
  const waiting: [unknown, number][] = [[source, 0]]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [value, depth] = next
    if (typeof value !== 'object' || value === null) parts.push(`${depth} ${JSON.stringify(value)}`)
    else {
      parts.push(`${depth} ${JSON.stringify(Object.keys(value))}`)
      for (const child of Object.values(value)) waiting.push([child, depth + 1])
    }
  }
  return parts.join('\n')
}
