// What stands here is not measured: only that it is traffic that a seed repeats, that keeps what its tools declare, and whose rows can be
// taken out and put back.
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { errorTextsSecond } from '../fault-texts-2.ts'
import { errorTexts } from '../faults.ts'
import { randomOf } from '../random.ts'
import { traffic } from '../traffic.ts'
import { tuned, untunedSecond } from './all.ts'

const answersOf = (archetype: (typeof untunedSecond)[number], seed: number) => {
  const { next } = traffic(archetype, seed)
  return Array.from({ length: 500 }, next)
}

describe('the second set of traffic that nothing was tuned on', () => {
  it('is of other tools than the first', () => {
    const names = [...tuned, ...untunedSecond].flatMap(({ name, tool }) => [name, tool])
    expect(new Set(names).size).toBe(names.length)
    expect(untunedSecond.filter(({ outputSchema }) => outputSchema !== undefined)).toHaveLength(3)
  })

  it.each(untunedSecond)('$name: the same seed gives the same answers, which keep its schema', (archetype) => {
    const answers = answersOf(archetype, 7)
    expect(answersOf(archetype, 7)).toEqual(answers)
    expect(answersOf(archetype, 8)).not.toEqual(answers)
    const validate = archetype.outputSchema === undefined ? undefined : new Ajv2020({ strict: false }).compile(archetype.outputSchema)
    for (const { args, body, latencyMs } of answers) {
      expect(JSON.parse(JSON.stringify({ args, body }))).toEqual({ args, body })
      expect(Number.isFinite(latencyMs) && latencyMs > 0).toBe(true)
      if (validate === undefined) expect(body).toBeTypeOf('string')
      else expect(validate(body), JSON.stringify(validate.errors)).toBe(true)
      const nothing = archetype.empty(body, randomOf(1))
      expect(validate?.(nothing) ?? typeof nothing === 'string').toBe(true)
    }
  })

  it.each(untunedSecond.filter(({ rows }) => rows !== undefined))(
    '$name: its rows can be taken out and put back',
    ({ rows, ...archetype }) => {
      if (rows === undefined) throw new Error('has no rows')
      const answers = answersOf(archetype, 7)
      expect(answers.some(({ body }) => rows.read(body).length > 1)).toBe(true)
      expect(answers.some(({ body }) => rows.read(body).length === 0)).toBe(true)
      for (const { body } of answers) {
        const all = rows.read(body)
        if (all.length > 0) expect(rows.write(body, all)).toEqual(body)
        if (all.length > 0) expect(rows.read(rows.write(body, all.slice(1)))).toEqual(all.slice(1))
        expect(rows.read(archetype.empty(body, randomOf(1)))).toEqual([])
      }
    },
  )
})

describe('the second texts of failures', () => {
  it('are thirty others', () => {
    expect(errorTextsSecond).toHaveLength(30)
    expect(new Set([...errorTexts, ...errorTextsSecond]).size).toBe(errorTexts.length + 30)
  })
})
