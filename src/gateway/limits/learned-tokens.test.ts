import { expect, it } from 'vitest'
import { LearnedTokens } from './learned-tokens.ts'

const half = () => 0.5
/** Counted at once where they are wanted; how many of them were. */
function come(tokens: LearnedTokens, length: number, times: number, perByte = 0.25): number {
  let counted = 0
  for (let n = 0; n < times; n += 1) {
    if (!tokens.wants(length, half)) continue
    counted += 1
    tokens.learn(length, Math.round(length * perByte))
  }
  return counted
}

it('counts the first texts of each order of length, and takes the others for what their length says', () => {
  const tokens = new LearnedTokens()
  expect(come(tokens, 400, 15)).toBe(15)
  expect(tokens.of(400)).toBeUndefined()
  expect(come(tokens, 400, 1)).toBe(1)
  expect([tokens.of(400), tokens.of(500), tokens.of(256)]).toEqual([100, 125, 64])
  for (const length of [255, 512, 100_000, 0]) expect(tokens.of(length), String(length)).toBeUndefined()
})

it('asks for no more than the first while they are being counted, and for others in place of those that were not', () => {
  const tokens = new LearnedTokens()
  const wanted = (times: number) => Array.from({ length: times }, () => tokens.wants(400, half)).filter(Boolean).length
  expect(wanted(100)).toBe(16)
  for (let n = 0; n < 4; n += 1) tokens.forget(400)
  expect(wanted(100)).toBe(4)
  for (let n = 0; n < 16; n += 1) tokens.learn(400, 100)
  expect(tokens.of(400)).toBe(100)
})

it('still counts one in sixteen, and the more rarely the longer what was learned has held, down to one in 2,048', () => {
  const tokens = new LearnedTokens()
  come(tokens, 400, 16)
  expect(come(tokens, 400, 16)).toBe(1)
  expect(come(tokens, 400, 16)).toBe(0)
  come(tokens, 400, 1_000_000)
  expect(come(tokens, 400, 20_490)).toBe(10)
})

it('counts more often again where a text has other tokens than were thought', () => {
  const tokens = new LearnedTokens()
  come(tokens, 400, 1_000_000)
  while (!tokens.wants(400, half));
  tokens.learn(400, 300)
  expect(come(tokens, 400, 40)).toBe(2)
})

it('learns the ratio of sums: what is long counts as much as it has', () => {
  const tokens = new LearnedTokens()
  for (let n = 0; n < 8; n += 1) {
    tokens.wants(256, half)
    tokens.learn(256, 128)
    tokens.wants(511, half)
    tokens.learn(511, 50)
  }
  expect(tokens.of(300)).toBe(Math.round((300 * 178) / 767))
})

it('follows a tool that answers otherwise than before', () => {
  const tokens = new LearnedTokens()
  come(tokens, 1_000, 100_000, 0.25)
  come(tokens, 1_000, 400_000, 0.5)
  expect(tokens.of(1_000)).toBeGreaterThan(490)
})

it('learns nothing from empty texts, and divides by nothing', () => {
  const tokens = new LearnedTokens()
  expect(come(tokens, 0, 100)).toBe(0)
  expect(tokens.of(0)).toBeUndefined()
  expect(tokens.of(10)).toBeUndefined()
})
