import { expect, it } from 'vitest'
import { breaks, verdicts, worse } from './contract.ts'

it('verdicts are ordered, and the last three break', () => {
  expect(worse('behavioural', 'additive')).toBe('behavioural')
  expect(worse('same', 'ignored')).toBe('ignored')
  expect(verdicts.filter(breaks)).toEqual(['unknown', 'ignored', 'breaking'])
})
