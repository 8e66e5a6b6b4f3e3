// Valid traffic, damaged: a message is a tree of JSON that can hold what JSON.stringify never writes (a key twice, an escaped key, a number
// without end), and is damaged as a tree first and as bytes after. Texts here have one character for each byte.

export type Tree = { members: [string, Tree][] } | { elements: Tree[] } | string

/** One change of the tree: `at` picks the place among all places, `put` the odd thing that is put there. */
export interface Change {
  readonly how: 'double' | 'double otherwise' | 'escape' | 'remove' | 'replace' | 'rename' | 'add' | 'wrap' | 'nest'
  readonly at: number
  readonly put: number
}

/** One change of the bytes. */
export interface Damage {
  readonly how: 'cut' | 'insert' | 'before' | 'after' | 'batch' | 'twice' | 'cut front'
  readonly at: number
  readonly put: number
}

const oddValues = [
  ...['null', 'true', '0', '-1', '7', '1.5', '1e400', '-0', '9007199254740993', '""', '"7"', '"\\u0000"', '"\\ud800"', '"x\\udc00"'],
  ...[
    '[]',
    '{}',
    '[[]]',
    '{"":""}',
    '"@ID@"',
    '{"code":1}',
    '"__proto__"',
    '{"__proto__":{"x":1}}',
    '"tools/call"',
    '1e-400',
    '"\xc3\xa9"',
  ],
  `"${'x'.repeat(3_000)}"`,
  `${'['.repeat(600)}${']'.repeat(600)}`,
  `${'{"a":'.repeat(100)}1${'}'.repeat(100)}`,
] as const
const oddKeys = [
  '__proto__',
  'constructor',
  'toString',
  '',
  'id',
  'method',
  'params',
  '_meta',
  'result',
  'error',
  'length',
  'a\\u0000b',
] as const
const oddBytes = [
  '\x00',
  '\xff',
  '\xed\xa0\x80',
  '\xef\xbb\xbf',
  '\xe2\x80\xa8',
  '\r',
  '\n',
  '"',
  '\\',
  '{',
  '}',
  ',',
  '\x1b[31m',
  ' ',
  '\x7f',
] as const
const noise = [
  'listening on 8080',
  '\xef\xbb\xbf',
  '{',
  '[',
  '}',
  'null',
  '{"a":1}',
  '\x1b[2J',
  '"',
  '{"jsonrpc":"2.0"}',
  '\x00\x00',
  ' '.repeat(200),
] as const

export function treeOf(value: unknown): Tree {
  if (Array.isArray(value)) return { elements: value.map(treeOf) }
  if (typeof value !== 'object' || value === null) {
    // Marks that the server fills in stand for values.
    return typeof value === 'string' && /^@[A-Z]+@$/.test(value) ? value : latin(JSON.stringify(value))
  }
  return { members: Object.entries(value).map(([key, member]) => [latin(JSON.stringify(key)), treeOf(member)]) }
}

function latin(text: string): string {
  return Buffer.from(text).toString('latin1')
}

export function textOf(tree: Tree): string {
  if (typeof tree === 'string') return tree
  if ('elements' in tree) return `[${tree.elements.map(textOf).join(',')}]`
  return `{${tree.members.map(([key, value]) => `${key}:${textOf(value)}`).join(',')}}`
}

/** A member or an element, in the tree that holds it. */
type Place = { readonly members: [string, Tree][]; readonly index: number } | { readonly elements: Tree[]; readonly index: number }

function placesOf(tree: Tree, found: Place[] = []): Place[] {
  if (typeof tree === 'string') return found
  if ('elements' in tree) {
    tree.elements.forEach((element, index) => {
      found.push({ elements: tree.elements, index })
      placesOf(element, found)
    })
  } else {
    tree.members.forEach(([, member], index) => {
      found.push({ members: tree.members, index })
      placesOf(member, found)
    })
  }
  return found
}

/** Changes the tree in place. */
export function change(tree: Tree, { how, at, put }: Change): void {
  const places = placesOf(tree)
  const place = places[at % Math.max(1, places.length)]
  if (place === undefined) return
  const odd = oddValues[put % oddValues.length] as string
  if ('elements' in place) {
    const { elements, index } = place
    if (how === 'remove') elements.splice(index, 1)
    else if (how === 'double') elements.push(elements[index] as Tree)
    else if (how === 'wrap') elements[index] = { elements: [elements[index] as Tree] }
    else elements[index] = odd
    return
  }
  const { members, index } = place
  const [key, value] = members[index] as [string, Tree]
  switch (how) {
    case 'double':
      members.push([key, value])
      return
    case 'double otherwise':
      members.splice(put % (members.length + 1), 0, [put % 2 === 0 ? key : escaped(key), odd])
      return
    case 'escape':
      members[index] = [escaped(key), value]
      return
    case 'remove':
      members.splice(index, 1)
      return
    case 'replace':
      members[index] = [key, odd]
      return
    case 'rename':
      members[index] = [`"${oddKeys[put % oddKeys.length]}"`, value]
      return
    case 'add':
      members.push([`"${oddKeys[put % oddKeys.length]}"`, odd])
      return
    case 'wrap':
      members[index] = [key, { elements: [value] }]
      return
    case 'nest':
      members[index] = [key, { members: [[key, value]] }]
  }
}

/** The key with its first character as an escape. */
function escaped(key: string): string {
  return key.length < 3 || key[1] === '\\' ? key : `"\\u00${key.charCodeAt(1).toString(16).padStart(2, '0')}${key.slice(2)}`
}

export function damage(text: string, { how, at, put }: Damage): string {
  const where = at % (text.length + 1)
  switch (how) {
    case 'cut':
      return text.slice(0, where)
    case 'cut front':
      return text.slice(where)
    case 'insert':
      return text.slice(0, where) + oddBytes[put % oddBytes.length] + text.slice(where)
    case 'before':
      return noise[put % noise.length] + text
    case 'after':
      return text + noise[put % noise.length]
    case 'batch':
      return put % 3 === 0 ? '[]' : `[${Array.from({ length: put % 4 }, () => text).join(',')}]`
    case 'twice':
      return `${text}${['', ' ', '\n', '\r\n'][put % 4]}${text}`
  }
}
