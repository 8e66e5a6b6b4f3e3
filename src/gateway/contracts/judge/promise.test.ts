// The promise of the judge: what it calls additive refuses nothing, and ignores nothing, that fits what the old schema declares. Pairs of
// schemas are drawn; ajv says what is refused. `CONTRACT_PAIRS` is how many, `CONTRACT_FIGURES` a file for the figures (`npm run contracts`).
import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import fc from '../../../../test/property.ts'
import { mutants } from '../../../../test/schemas/mutants.ts'
import { pairOf, type Tried, tryPair } from '../../../../test/schemas/promise.ts'
import { createJudge, judge } from './judge.ts'

const pairs = Number(process.env.CONTRACT_PAIRS ?? 300)
const seeds = fc.integer({ min: 1, max: 0x7fffffff })

function report(seed: number, { broken }: Tried): string {
  const { side, reading, old, now } = pairOf(seed)
  return `seed ${seed}, ${side}, ${reading}: ${broken}\n  old ${JSON.stringify(old)}\n  new ${JSON.stringify(now)}`
}

describe('the promise', () => {
  it(`holds for ${pairs} pairs`, { timeout: 60_000 + pairs * 500 }, () => {
    const figures = {
      pairs: 0,
      same: 0,
      additive: 0,
      behavioural: 0,
      unknown: 0,
      ignored: 0,
      breaking: 0,
      values: 0,
      without: 0,
      spent: 0,
      fell: 0,
    }
    const drawn = fc.property(seeds, (seed) => {
      const tried = tryPair(pairOf(seed), judge)
      if (tried.broken !== undefined) throw new Error(report(seed, tried))
      figures.pairs += 1
      figures[tried.verdict] += 1
      figures.values += tried.values
      if (tried.spent) figures.spent += 1
      if (tried.fell) figures.fell += 1
      if (['unknown', 'ignored', 'breaking'].includes(tried.verdict) && !tried.example) figures.without += 1
    })
    fc.assert(drawn, { numRuns: pairs, endOnFailure: true })
    if (process.env.CONTRACT_FIGURES !== undefined) writeFileSync(process.env.CONTRACT_FIGURES, JSON.stringify(figures))
    // Else it would hold of a judge that says additive to nothing.
    expect(figures.additive + figures.same).toBeGreaterThan(pairs / 3)
    expect(figures.values).toBeGreaterThan(pairs * 20)
  })

  it.each(Object.entries(mutants))('does not hold where %s', { timeout: 120_000 }, (_name, rules) => {
    const broken = createJudge(rules)
    let seed = 1
    while (seed <= 400 && tryPair(pairOf(seed, 'targeted'), broken).broken === undefined) seed += 1
    expect(seed).toBeLessThanOrEqual(400)
  })
})
