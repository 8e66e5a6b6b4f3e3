// Which request a message was the answer to that was too large to be read: by how it begins, else by what can have an answer of that size.

/** What is looked at of a request in flight. */
export interface Asked {
  readonly request: { readonly id: number; readonly method: string }
}

/** The member that the result of a list begins with, mostly. */
const lists: Readonly<Record<string, string>> = {
  tools: 'tools/list',
  prompts: 'prompts/list',
  resources: 'resources/list',
  resourceTemplates: 'resources/templates/list',
}

/** Undefined where it may be any of several. */
export function answeredBy<A extends Asked>(head: Uint8Array, inFlight: Iterable<A>): A | undefined {
  const all = [...inFlight]
  const text = Buffer.from(head).toString('latin1')
  const id = /^\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?"id"\s*:\s*(\d{1,15})\b/.exec(text)?.[1]
  if (id !== undefined) return all.find(({ request }) => request.id === Number(id))
  const member = /^[^[]{0,80}"result"\s*:\s*\{\s*"(\w+)"/.exec(text)?.[1] ?? ''
  const list = lists[member]
  if (list !== undefined) return only(all.filter(({ request }) => request.method === list))
  // What the gateway asks by itself is a ping, which has no large answer, or a list, which would begin otherwise.
  return only(all.filter(({ request }) => request.method !== 'ping')) ?? only(all.filter(({ request }) => !isOwn(request.method)))
}

function isOwn(method: string): boolean {
  return method === 'ping' || method.endsWith('/list')
}

function only<A>(found: readonly A[]): A | undefined {
  return found.length === 1 ? found[0] : undefined
}
