// Visible names: what an upstream's tool or prompt is called on a mount. A name depends on its own server and its own spelling alone,
// so it never changes when other servers come or go, and it is looked up in a map, never taken apart.
import { createHash } from 'node:crypto'

/** Longest visible name, in characters; the strictest of the known clients allows 64. */
export const longestName = 64

const allowed = /^[A-Za-z0-9_-]{1,64}$/
const forbidden = /[^A-Za-z0-9_-]/gu
/** What could be another server's prefix; a bare name of this form keeps its own prefix, whichever servers exist. */
const prefixed = /^[a-z0-9-]{1,24}__/

/** `server__name`, sanitised to `[A-Za-z0-9_-]{1,64}`; `…_hash8` marks what sanitising or shortening changed. */
export function visibleName(server: string, name: string): string {
  return fitted(`${server}__${name}`, `${server}\0${name}`)
}

/** The name without its server, for the one server that claims bare names; with it where it would read as another server's. */
export function bareName(server: string, name: string): string {
  return prefixed.test(name) ? visibleName(server, name) : fitted(name, `${server}\0${name}`)
}

/** A name that configuration gives (`rename`), made to fit. */
export function givenName(server: string, name: string, given: string): string {
  return fitted(given, `${server}\0${name}`)
}

/** Another name for what would have taken a name that is gone already; `round` tells several tries apart. */
function otherName(server: string, name: string, taken: string, round: number): string {
  return hashed(taken.replace(forbidden, '_'), `${server}\0${name}\0${round}`)
}

function fitted(wanted: string, identity: string): string {
  return allowed.test(wanted) ? wanted : hashed(wanted.replace(forbidden, '_'), identity)
}

function hashed(base: string, identity: string): string {
  const hash8 = createHash('sha256').update(identity).digest('hex').slice(0, 8)
  return `${base.slice(0, longestName - hash8.length - 1)}_${hash8}`
}

/**
 * The visible names of the names of one list, in order, unique. A name that needs no mending has the first claim, so a look-alike never
 * takes it away (`a.b` beside a tool that is really called `a_b_1234abcd`).
 */
export function assign<T>(
  entries: readonly T[],
  name: (entry: T) => { readonly server: string; readonly name: string; readonly wanted: string; readonly exact: boolean },
): { readonly names: readonly string[]; readonly taken: readonly T[] } {
  const used = new Set<string>()
  const names = new Array<string>(entries.length)
  const taken: T[] = []
  for (const first of [true, false]) {
    entries.forEach((entry, index) => {
      const wish = name(entry)
      if (wish.exact !== first) return
      let given = wish.wanted
      for (let round = 1; used.has(given); round += 1) given = otherName(wish.server, wish.name, wish.wanted, round)
      if (given !== wish.wanted) taken.push(entry)
      used.add(given)
      names[index] = given
    })
  }
  return { names, taken }
}
