// A tool's definition read: its canonical schemas and its four digests. A digest begins with its formula, so that a new formula is told
// from a change: then the text that is kept is read again.
import { createHash } from 'node:crypto'
import type { Digests, ToolContract } from '../../../core/call/contract.ts'
import { headerParams } from '../../../core/protocol/header-params.ts'
import { isObject } from '../../../core/protocol/is-object.ts'
import { effectiveHints, hasVendorMeta, otherHints, proseOf, type Said, taskSupport, textOf } from './annotations.ts'
import { type Canonical, canonical } from './canonical.ts'
import { inOrder, stable } from './stable.ts'

export interface ReadContract {
  readonly source: ToolContract
  readonly name: string
  readonly input: Canonical
  readonly output: Canonical | undefined
  /** Names of mirrored headers by the pointer of their property; a text where they are declared wrongly. */
  readonly headers: Readonly<Record<string, string>> | string
  readonly hints: Said
  readonly prose: Said
  readonly digests: Digests
}

/** Never throws for what a server sent. */
export function readContract(source: ToolContract): ReadContract {
  const name = typeof source.name === 'string' ? source.name : ''
  const input = canonical(inputOf(source.inputSchema))
  const output = source.outputSchema === undefined ? undefined : canonical(source.outputSchema)
  const headers = headersOf(source.inputSchema, input)
  const hints = otherHints(source)
  const prose = proseOf(source)
  const digests: Digests = {
    contract: `c1:${sha(stable([name, input.text, output?.text ?? null, headers]))}`,
    // Of definitions without such members the first formula stays: what was approved by it is known again.
    hints: `${hasVendorMeta(source) ? 'h2' : 'h1'}:${sha(stable([effectiveHints(source), taskSupport(source), textOf(hints)]))}`,
    prose: `p1:${sha(textOf(prose))}`,
    exact: `x1:${sha(exactly(source))}`,
  }
  return { source, name, input, output, headers, hints, prose, digests }
}

export function digestsOf(contract: ToolContract): Digests {
  return readContract(contract).digests
}

/** Arguments are an object, whether the schema says it or not. */
function inputOf(schema: unknown): unknown {
  return isObject(schema) && schema.type === undefined ? { ...schema, type: 'object' } : schema
}

function headersOf(schema: unknown, input: Canonical): Readonly<Record<string, string>> | string {
  if (!isObject(schema) || input.problem !== undefined) return {}
  const found = headerParams({ ...schema, type: 'object' })
  if ('reason' in found) return `${found.path} ${found.reason}`
  return Object.fromEntries(found.map(({ path, header }) => [path.map((part) => `/properties/${part}`).join(''), header]))
}

function sha(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** The deepest definition that is written by recursion. */
const deepest = 500

function exactly(source: ToolContract): string {
  let level: unknown[] = [source]
  let depth = 0
  for (; level.length > 0 && depth <= deepest; depth += 1) {
    level = level.flatMap((value) => (typeof value === 'object' && value !== null ? Object.values(value) : []))
  }
  return depth <= deepest ? stable(source) : inOrder(source)
}
