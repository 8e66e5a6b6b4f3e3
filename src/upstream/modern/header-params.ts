// Reads a tool's `x-mcp-header` annotations straight from the server, for the one case where the pinned definition proved stale.
import type { HeaderParam } from '../../core/call/item.ts'
import { type Payload, payloadOf } from '../../core/call/payload.ts'
import { isToken } from '../../core/protocol/headers.ts'
import { header } from '../../core/protocol/names.ts'
import type { Asked } from '../connection.ts'
import { isObject } from '../messages/answers.ts'

const mostPages = 100
const mostDepth = 32

/** The annotations as they are now; undefined where the tool is not listed or has none. */
export async function freshHeaderParams(
  tool: string,
  list: (params: Payload | undefined) => Promise<Asked>,
): Promise<readonly HeaderParam[] | undefined> {
  let cursor: string | undefined
  for (let page = 0; page < mostPages; page += 1) {
    const asked = await list(cursor === undefined ? undefined : payloadOf({ cursor }))
    const body = asked.kind === 'result' ? asked.result.json() : undefined
    if (!isObject(body) || !Array.isArray(body.tools)) return undefined
    const found = body.tools.find((one) => isObject(one) && one.name === tool)
    if (isObject(found)) {
      const params = annotations(found.inputSchema, [])
      return params.length === 0 ? undefined : params
    }
    if (typeof body.nextCursor !== 'string' || body.nextCursor === cursor) return undefined
    cursor = body.nextCursor
  }
  return undefined
}

function annotations(schema: unknown, path: readonly string[]): HeaderParam[] {
  if (!isObject(schema) || !isObject(schema.properties) || path.length >= mostDepth) return []
  const found: HeaderParam[] = []
  for (const [key, property] of Object.entries(schema.properties)) {
    if (!isObject(property)) continue
    const name = property['x-mcp-header']
    const { type } = property
    if (typeof name === 'string' && isToken(name) && (type === 'string' || type === 'integer' || type === 'boolean')) {
      found.push({ path: [...path, key], header: `${header.paramPrefix}${name.toLowerCase()}`, type })
    }
    found.push(...annotations(property, [...path, key]))
  }
  return found
}
