// The properties of a tool's input schema that a modern client repeats in `Mcp-Param-*` headers (MCP 2026-07-28, x-mcp-header).
import type { HeaderParam } from '../../core/call/item.ts'
import { header } from '../../core/protocol/names.ts'

export function headerParams(schema: unknown, path: readonly string[] = []): HeaderParam[] {
  const properties = (schema as { properties?: unknown } | undefined)?.properties
  if (typeof properties !== 'object' || properties === null || path.length > 16) return []
  return Object.entries(properties).flatMap(([key, property]) => {
    const { type, 'x-mcp-header': name } = (property ?? {}) as { type?: unknown; 'x-mcp-header'?: unknown }
    const here = [...path, key]
    if (typeof name === 'string' && (type === 'string' || type === 'integer' || type === 'boolean')) {
      return [{ path: here, header: header.paramPrefix + name.toLowerCase(), type }]
    }
    return headerParams(property, here)
  })
}
