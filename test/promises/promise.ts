// A test cites the promise that it shows: `promise('R45', 'a rolling deploy …', async () => { … })`.
import { test } from 'vitest'
import { type PromiseId, promises } from '../promises.ts'

export function promise(ids: PromiseId | readonly PromiseId[], what: string, show: () => Promise<void> | void, timeoutMs?: number): void {
  const cited = typeof ids === 'string' ? [ids] : ids
  for (const id of cited) if (promises[id] === undefined) throw new Error(`There is no promise ${id}`)
  test(`${cited.join(' ')}: ${what}`, show, timeoutMs)
}
