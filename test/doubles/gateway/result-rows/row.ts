// Ways in which a result is wrong though it was given for a success, each beside the nearest healthy traffic. What is to come of it stands in
// test/promises/result-rows.test.ts.

import { textResult } from '../../../peers/scripted.ts'
import type { PromiseId } from '../../../promises.ts'
import { inText, rowsOf } from '../judging.ts'

export interface Case {
  readonly what: string
  /** Its words say whether its texts are those of others; each case has a tool of its own. */
  readonly tool?: string
  readonly declares?: unknown
  readonly quality?: Record<string, unknown>
  /** What it answered before, sixty times or as often as this says. */
  readonly before?: (n: number) => unknown
  readonly times?: number
  /** What it answers then. */
  readonly gives: (n: number) => unknown
  /** Else each call has arguments of its own. */
  readonly args?: (n: number) => unknown
}

export interface Fault extends Case {
  /** What is said of it, kind and rule; '': nothing. */
  readonly said: string
  /** In place of the result: a fault of this kind. */
  readonly refused?: 'upstream_auth_failed'
  /** How much of it is masked by each rule, and what is not to be seen of it. */
  readonly masked?: Readonly<Record<string, number>>
  readonly secret?: string
  readonly words?: RegExp
  /** It goes on, and people are told by the fourth. */
  readonly alert?: true
}

export interface Row {
  readonly id: string
  readonly title: string
  readonly cites: readonly PromiseId[]
  readonly faults: readonly Fault[]
  readonly twins: readonly Case[]
}

export const usually = (n: number) => rowsOf(10 + ((n * 7) % 41))
/** What the server is called with. */
export const given = 'kept-by-the-gateway-7'
export const token = `ghp_${'aZ3kQ9xV7bN2mW8pR5tY1uE6cD4gH0jL5tY1'}`
export const texts =
  (...all: string[]) =>
  (n: number) =>
    textResult(all[n % all.length] as string)
/** Once in a while there is nothing. */
export const some = (n: number) =>
  inText({ rows: Array.from({ length: n % 5 === 2 ? 0 : 1 + (n % 9) }, (_, id) => ({ id, name: `n${n}` })) })
export const always = (result: unknown) => () => result
export const people = (n: number, more: Record<string, unknown> = {}) =>
  Array.from({ length: 10 + (n % 30) }, (_, id) => ({ id, name: `n${n}`, owner: `o${id}`, ...more }))
export const page = (title: string, text: string) =>
  `<!doctype html><html><head><title>${title}</title></head><body><h1>${text}</h1></body></html>`
