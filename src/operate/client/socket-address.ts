// The UNIX socket of a gateway in an address, `unix:PATH` or `unix:PATH:/mcp/tracker`, as nginx writes it.

/** Undefined of a URL. */
export function socketIn(text: string): { readonly path: string; readonly below: string | undefined } | undefined {
  const found = /^unix:(\/[^:]+)(?::(\/.*))?$/.exec(text)
  return found?.[1] === undefined ? undefined : { path: found[1], below: found[2] }
}
