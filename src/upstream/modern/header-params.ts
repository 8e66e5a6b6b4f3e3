// Reads a tool's `x-mcp-header` annotations straight from the server, for the one case where the pinned definition proved stale.

import type { HeaderParam } from '../../core/call/item.ts'
import { type Payload, payloadOf } from '../../core/call/payload.ts'
import { headerParams } from '../../core/protocol/header-params.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import type { Asked } from '../connection.ts'

const mostPages = 100

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
      const params = isObject(found.inputSchema) ? headerParams(found.inputSchema) : []
      return 'reason' in params || params.length === 0 ? undefined : params
    }
    if (typeof body.nextCursor !== 'string' || body.nextCursor === cursor) return undefined
    cursor = body.nextCursor
  }
  return undefined
}
