// Results of tools as the classifier looks at them, made of values.

import { classify, Expected, type Learned, type ToolGiven } from '../../src/gateway/quality/classifier/classify.ts'
import type { Format, Looked } from '../../src/gateway/quality/looked.ts'

export interface Case extends Partial<ToolGiven> {
  readonly isError?: boolean
  readonly args?: unknown
  readonly learned?: Format
  readonly usuallyAtLeast?: number
}

export function look(result: unknown, of: Case = {}): Looked {
  const { isError = false, args, learned, usuallyAtLeast = 0, tool = 'query_database', ...given } = of
  const bytes = Buffer.from(JSON.stringify(result))
  const known: Learned | undefined = learned === undefined ? undefined : { format: learned, usuallyAtLeast }
  const asked = args === undefined ? undefined : Buffer.from(JSON.stringify(args))
  return classify(bytes, factsOf(bytes, isError), new Expected({ tool, ...given }), asked, known)
}

export function factsOf(bytes: Uint8Array, isError = false) {
  const hasStructure = Buffer.from(bytes).includes('"structuredContent"')
  return { isError, resultType: undefined, hasMeta: false, hasCacheHints: false, hasStructure, bytes: bytes.length }
}

/** A result of texts. */
export function said(...texts: string[]) {
  return { content: texts.map((text) => ({ type: 'text', text })) }
}
