// What the look at a result found of its form, in the words of `core/secrets/shape-text.ts`: it builds nothing of the result, and says less of
// it than a walk over all of it would. A tool whose results have other names each time pays for it with each, so it makes little on the way.
import { longestShape, memberInShape } from '../../../core/secrets/shape-text.ts'
import type { Looked } from '../looked.ts'

const letters: Readonly<Record<string, string>> = { string: 's', number: 'n', boolean: 'b', null: 'null', object: '{…}', array: '[…]' }
/** Between the way to a list and the members of its rows. */
const ofRow = '[].'

/**
 * `{items:[{id:n,name:s}],next:s}`: members of the root and of the first row, no values; of a text that is no JSON its format (`csv`, `prose`).
 * Undefined where there is neither.
 */
export function shapeInWords({ format, keys }: Pick<Looked, 'format' | 'keys'>): string | undefined {
  if (format === 'none') return undefined
  if (format !== 'json' && format !== 'jsonl') return format
  if (keys.length === 0) return format
  const shape = format === 'json' ? written(keys) : `jsonl ${written(keys)}`
  return shape.length <= longestShape ? shape : `${shape.slice(0, longestShape - 1)}…`
}

/** `next:string` of the root, then those of the first row, behind the way to it: `data.items[].id:number`, `[].id:number`. */
function written(keys: readonly string[]): string {
  const [last = ''] = keys.slice(-1)
  const way = last.indexOf(ofRow)
  const before = way < 0 ? '' : last.slice(0, way + ofRow.length)
  let ofRoot = keys.length
  while (before !== '' && ofRoot > 0 && (keys[ofRoot - 1] as string).startsWith(before)) ofRoot -= 1
  const rows = before === '' ? '' : `[${objectOf(keys, ofRoot, keys.length, before.length, '', '')}]`
  if (way === 0) return rows
  const dot = before.indexOf('.')
  const outer = way < 0 ? '' : before.slice(0, dot < way ? dot : way)
  const within = dot < way ? `{${memberInShape(before.slice(dot + 1, way))}:${rows}}` : rows
  return objectOf(keys, 0, ofRoot, 0, outer, within)
}

/** `special`: the member in whose place another text stands. */
function objectOf(keys: readonly string[], from: number, to: number, skip: number, special: string, other: string): string {
  let text = '{'
  let hasAny = false
  let isThere = special === ''
  for (let n = from; n < to; n += 1) {
    const key = keys[n] as string
    const colon = key.lastIndexOf(':')
    const name = key.slice(skip, colon)
    const shown = memberInShape(name)
    const isSpecial = !isThere && name === special
    // Members whose names are data are alike.
    if (shown === '*' && hasAny && !isSpecial) continue
    if (shown === '*') hasAny = true
    if (isSpecial) isThere = true
    text += `${text === '{' ? '' : ','}${shown}:${isSpecial ? other : (letters[key.slice(colon + 1)] ?? '')}`
  }
  return `${text}${isThere ? '' : `${text === '{' ? '' : ','}${memberInShape(special)}:${other}`}}`
}
