// What is claimed is shown and what is shown is claimed: compares promises.ts with the tests that cite it.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Promised, promises } from './promises.ts'

const root = new URL('.', import.meta.url).pathname
const files = (readdirSync(root, { recursive: true }) as string[]).filter((file) => file.endsWith('.test.ts'))

/** Promise id to the files that cite it. */
const cited = new Map<string, string[]>()
for (const file of files) {
  for (const [, ids] of readFileSync(join(root, file), 'utf8').matchAll(/\bpromise\(\s*(\[[^\]]*\]|'R\d+')/g))
    for (const [id] of (ids ?? '').matchAll(/R\d+/g)) cited.set(id, [...new Set([...(cited.get(id) ?? []), file])])
}

const all = Object.entries(promises as Record<string, Promised>)
const claimed = all.filter(([, promise]) => promise.claimed !== false)

test('every claimed promise is shown by a test', () => {
  expect(claimed.map(([id]) => id).filter((id) => !cited.has(id))).toEqual([])
})

test('every promise that a test shows is claimed', () => {
  expect(
    [...cited]
      .filter(([id]) => promises[id as keyof typeof promises]?.claimed === false)
      .map(([id, where]) => `${id} in ${where.join(', ')}`),
  ).toEqual([])
})

test('what is claimed in part says what is missing', () => {
  for (const [id, { claimed: claim }] of claimed)
    if (typeof claim === 'object') expect(claim.partly.length, `${id} names what is missing`).toBeGreaterThan(10)
})

test('all 110 promises stand there, and how many are kept is printed', () => {
  expect(all.map(([id]) => id)).toEqual(Array.from({ length: 110 }, (_, n) => `R${n + 1}`))
  const partly = claimed.filter(([, { claimed: claim }]) => typeof claim === 'object')
  const whole = claimed.length - partly.length
  process.stdout.write(`Promises: ${whole} kept, ${partly.length} in part, ${all.length - claimed.length} not yet, of ${all.length}\n`)
})
