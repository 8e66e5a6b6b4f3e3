import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { describe, expect, it } from 'vitest'
import { aReport } from '../../../test/doubles/gateway/samples.ts'
import { createTokenizer } from './tokenizer.ts'

const tokenizer = createTokenizer(aReport().report)
const count = (text: string): number => tokenizer.count(Buffer.from(text))
const json = JSON.stringify(Array.from({ length: 400 }, (_, i) => ({ id: i * 7919, name: `Item number ${i}`, tags: ['red', 'green'] })))
const prose = 'An agent that misreads its own notes can call one tool a hundred times in ten seconds. '.repeat(200)

describe('tokens', () => {
  it('are estimated until the vocabulary is there', () => {
    expect(count('x'.repeat(400))).toBe(100)
  })

  it.each([
    ['json', json],
    ['prose', prose],
    ['chinese', '网关在服务器端限制代理可以使用的数量。'.repeat(300)],
  ])('%s: exact but for cuts in small texts, within a tenth in large ones', async (_kind, text) => {
    await tokenizer.load()
    const small = text.slice(0, 1_000)
    expect(Math.abs(count(small) - countTokens(small)) / countTokens(small)).toBeLessThan(0.03)
    expect(Math.abs(count(text) - countTokens(text)) / countTokens(text)).toBeLessThan(0.1)
  })

  it('of what looks like a mark of the vocabulary, or is nothing, are counted like those of other text', async () => {
    await tokenizer.load()
    expect(count('<|endoftext|>')).toBeGreaterThan(1)
    expect(count('')).toBe(0)
  })

  it('are counted of a bounded part of what is large', async () => {
    await tokenizer.load()
    // The whole of it would take minutes.
    expect(count('a'.repeat(5_000_000))).toBeGreaterThan(100_000)
  })
})
