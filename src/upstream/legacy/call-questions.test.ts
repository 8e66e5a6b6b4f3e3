import { describe, expect, it } from 'vitest'
import { payload, payloadOf } from '../../core/call/payload.ts'
import { CallQuestions, QuestionBudget } from './call-questions.ts'

const question = (id: string, bytes = 100) => ({ id, method: 'roots/list', params: payloadOf('x'.repeat(bytes - id.length - 2)) }) as const

describe('the questions that wait', () => {
  it('are bounded for a call, and a place that is free again can be taken', () => {
    const questions = new CallQuestions(new QuestionBudget())
    const taken = Array.from({ length: 1_000 }, (_, n) => questions.add(question(String(n)))).filter(Boolean)
    expect([taken.length, questions.size]).toEqual([64, 64])
    questions.remove(questions.keyOf('7') ?? '')
    expect(questions.add(question('again'))).toBe(true)
    expect([...questions.entries().keys()].at(-1)).toBe('q65')
  })

  it('are bounded in bytes for a call', () => {
    const questions = new CallQuestions(new QuestionBudget())
    expect([1, 2, 3].map((n) => questions.add(question(String(n), 4_000_000)))).toEqual([true, true, false])
    expect(questions.add(question('small'))).toBe(true)
  })

  it('are bounded in bytes for all calls together, and give all of it back', () => {
    const budget = new QuestionBudget(1_000)
    const calls = Array.from({ length: 20 }, () => new CallQuestions(budget))
    expect(calls.filter((call, n) => call.add(question(String(n)))).length).toBe(10)
    expect(budget.bytes).toBe(1_000)
    calls[0]?.remove('q1')
    calls[0]?.remove('q1')
    for (const call of calls) call.takeAll()
    expect(budget.bytes).toBe(0)
    expect(calls[19]?.add(question('now'))).toBe(true)
  })

  it('keep nothing of what they came in', () => {
    const line = Buffer.alloc(1_000_000, 0x20)
    line.write('{"a":1}')
    const questions = new CallQuestions(new QuestionBudget())
    questions.add({ id: '1', method: 'roots/list', params: payload(line.subarray(0, 7)) })
    expect(questions.takeAll()[0]?.params?.bytes.buffer.byteLength).toBeLessThan(100_000)
  })
})
