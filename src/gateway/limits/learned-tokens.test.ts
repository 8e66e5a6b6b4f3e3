import { expect, it } from 'vitest'
import { LearnedTokens } from './learned-tokens.ts'

function learned(lengths: readonly number[], perByte = 0.25): LearnedTokens {
  const tokens = new LearnedTokens()
  for (const length of lengths) tokens.learn(length, Math.round(length * perByte))
  return tokens
}

it('counts the first texts, then one in sixteen, and takes the others for what their length says', () => {
  const tokens = learned(Array(31).fill(400))
  expect(tokens.of(400, 0.99)).toBeUndefined()
  tokens.learn(400, 100)
  expect([tokens.of(400, 0.99), tokens.of(600, 1), tokens.of(400, 1 / 16)]).toEqual([100, 150, 100])
  expect(tokens.of(400, 0.06)).toBeUndefined()
})

it('counts what is much longer or shorter than usual: its tokens do not follow from the others', () => {
  const tokens = learned(Array(40).fill(400))
  for (const length of [199, 801, 100_000, 0]) expect(tokens.of(length, 1), String(length)).toBeUndefined()
  for (const length of [200, 800]) expect(tokens.of(length, 1)).toBe(length / 4)
})

it('follows a tool that answers otherwise than before', () => {
  const tokens = learned(Array(10_000).fill(1_000), 0.25)
  for (let n = 0; n < 10_000; n += 1) tokens.learn(1_000, 500)
  expect(tokens.of(1_000, 1)).toBeGreaterThan(490)
})

it('learns nothing from empty texts, and divides by nothing', () => {
  const tokens = learned(Array(100).fill(0))
  expect(tokens.of(0, 1)).toBeUndefined()
  expect(tokens.of(10, 1)).toBeUndefined()
})
