// Selections name servers as their file does: where a server's name was made fit, what refers to it follows.
import { isObject } from '../../core/protocol/is-object.ts'

/** The value of a file with every selector (`server`, `server/name`) under the fit name of its server. */
export function withServerNames(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (!isObject(value)) return value
  const { toolsets, tools } = value
  return {
    ...value,
    ...(isObject(toolsets) ? { toolsets: ofToolsets(toolsets, names) } : {}),
    ...(isObject(tools) ? { tools: byServer(tools, names) } : {}),
  }
}

function ofToolsets(written: Readonly<Record<string, unknown>>, names: ReadonlyMap<string, string>): Record<string, unknown> {
  const toolsets: Record<string, unknown> = {}
  for (const [name, toolset] of Object.entries(written)) {
    if (!isObject(toolset)) toolsets[name] = toolset
    else {
      const { include, exclude, rename, describe } = toolset
      toolsets[name] = {
        ...toolset,
        ...(Array.isArray(include) ? { include: include.map((each) => selector(each, names)) } : {}),
        ...(Array.isArray(exclude) ? { exclude: exclude.map((each) => selector(each, names)) } : {}),
        ...(isObject(rename) ? { rename: byServer(rename, names) } : {}),
        ...(isObject(describe) ? { describe: byServer(describe, names) } : {}),
      }
    }
  }
  return toolsets
}

function byServer(record: Readonly<Record<string, unknown>>, names: ReadonlyMap<string, string>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [selector(key, names), value]))
}

function selector<T>(written: T, names: ReadonlyMap<string, string>): T | string {
  if (typeof written !== 'string') return written
  const slash = written.indexOf('/')
  const server = slash === -1 ? written : written.slice(0, slash)
  return `${names.get(server) ?? server}${slash === -1 ? '' : written.slice(slash)}`
}
