// The one way in which configuration names servers and what they have: `server`, `server/name`, `server/start*`, or `*` for everything.
// Names are the upstream's own.
import type { UpstreamId } from './item.ts'

export interface Selector {
  /** Undefined: every server. */
  readonly server: UpstreamId | undefined
  /** Undefined: everything of the server. */
  readonly name: string | undefined
  /** `name` is how the names start. */
  readonly open: boolean
}

/** Only the end of a name can be open: a `*` elsewhere stands for itself. */
export function readSelector(text: string): Selector {
  if (text === '*') return { server: undefined, name: undefined, open: true }
  const slash = text.indexOf('/')
  if (slash < 0) return { server: text, name: undefined, open: true }
  const name = text.slice(slash + 1)
  const open = name.endsWith('*')
  return { server: text.slice(0, slash), name: open ? name.slice(0, -1) : name, open }
}

export function selects({ server, name, open }: Selector, upstream: UpstreamId, own: string): boolean {
  if (server !== undefined && server !== upstream) return false
  if (name === undefined) return true
  return open ? own.startsWith(name) : own === name
}

/** Whether it may select a URI that comes from a template, or selects the template by its own text. */
export function maySelectFrom({ server, name, open }: Selector, upstream: UpstreamId, template: string): boolean {
  if (server !== undefined && server !== upstream) return false
  if (name === undefined || name === template) return true
  const brace = template.indexOf('{')
  const literal = brace < 0 ? template : template.slice(0, brace)
  return name.startsWith(literal) || (open && literal.startsWith(name))
}

/** Less than 0 where `a` is the less exact one: `*`, `server`, `server/s*`, `server/start*`, `server/name`. */
export function byExactness(a: Selector, b: Selector): number {
  return exactness(a) - exactness(b)
}

function exactness({ server, name, open }: Selector): number {
  if (server === undefined) return 0
  if (name === undefined) return 1
  return open ? 2 + name.length : Number.MAX_SAFE_INTEGER
}
