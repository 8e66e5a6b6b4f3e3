import { expect, it } from 'vitest'
import { LearnedTokens } from './learned-tokens.ts'

function learned(lengths: readonly number[], perByte = 0.25): LearnedTokens {
  const tokens = new LearnedTokens()
  for (const length of lengths) tokens.learn(length, Math.round(length * perByte))
  return tokens
}

it('counts the first texts of each order of length, and takes the others for what their length says', () => {
  const tokens = learned(Array(15).fill(400))
  expect(tokens.of(400, 0.99)).toBeUndefined()
  tokens.learn(400, 100)
  expect([tokens.of(400, 0.99), tokens.of(500, 1), tokens.of(256, 1)]).toEqual([100, 125, 64])
  for (const length of [255, 512, 100_000, 0]) expect(tokens.of(length, 1), String(length)).toBeUndefined()
})

it('still counts one in sixteen, and the more rarely the longer what was learned has held, up to one in 4,096', () => {
  const drawn = (count: number) => {
    const tokens = learned(Array(count).fill(400))
    return [1, 2, 4, 8, 16, 32, 64, 128, 256, 512].find((part) => tokens.of(400, (1 / 16 / part) * 0.99) === undefined)
  }
  expect(drawn(16)).toBe(1)
  expect(drawn(17)).toBe(2)
  expect([drawn(21), drawn(24), drawn(1_000)]).toEqual([32, 256, 256])
})

it('counts more often again where a text has other tokens than were thought', () => {
  const tokens = learned(Array(100).fill(400))
  expect(tokens.of(400, 1 / 17)).toBe(100)
  tokens.learn(400, 200)
  expect(tokens.of(400, 1 / 17)).toBeUndefined()
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
