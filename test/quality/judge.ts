// The product's own judgement of one result, called as the gateway calls it.
import type { ResultFacts } from '../../src/core/call/outcome.ts'
import { createSchemaGate } from '../../src/gateway/policy/schema-gate.ts'
import { argumentsHash, classify, Expected, OutputCheck } from '../../src/gateway/quality/classifier/classify.ts'
import { Histories } from '../../src/gateway/quality/history/index.ts'
import type { Verdict } from '../../src/gateway/quality/looked.ts'
import { factsOf } from '../doubles/looked.ts'

export interface Given {
  readonly text: string
  readonly structured?: unknown
  /** The whole result, as a real server wrote it. */
  readonly raw?: Buffer
  readonly args: unknown
  readonly atMs: number
  readonly latencyMs: number
}

export type Judge = (given: Given) => Verdict
/** What is known of a tool before its first call. */
export interface JudgedTool {
  readonly tool: string
  readonly outputSchema?: Readonly<Record<string, unknown>>
}
/** `structured`: as its schema has it; else the schema is ignored. */
export type OpenJudge = (tool: JudgedTool, structured: boolean) => Judge

export function bytesOf({ text, structured, raw }: Pick<Given, 'text' | 'structured' | 'raw'>): Buffer {
  if (raw !== undefined) return raw
  const content = [{ type: 'text', text }]
  return Buffer.from(JSON.stringify(structured === undefined ? { content } : { content, structuredContent: structured }))
}

const schemas = createSchemaGate()

export function expectedOf({ tool, outputSchema }: JudgedTool, structured: boolean): Expected {
  if (!structured || outputSchema === undefined) return new Expected({ tool })
  return new Expected({ tool, output: new OutputCheck(outputSchema, schemas(outputSchema).validate) })
}

const nothing: Verdict = { reasons: [], alerts: [] }

/** One result by itself: what is noted of a tool that was never called before. */
export const alone: OpenJudge = (tool, structured) => {
  const expected = expectedOf(tool, structured)
  return (given) => {
    const bytes = bytesOf(given)
    const facts: ResultFacts = factsOf(bytes)
    const { kind, rule, weak } = classify(bytes, facts, expected, Buffer.from(JSON.stringify(given.args)), undefined)
    if (kind === 'ok' || kind === 'empty' || kind === 'tool_error' || kind === 'oversize') return nothing
    const named = { hidden_error: 'error_text', truncated: 'truncated', schema_violation: 'result_schema' } as const
    return { reasons: [{ kind: named[kind], rule: weak ? `${rule}, weak` : rule }], alerts: [] }
  }
}

/** With the history of its tool, from the first call on. */
export const whole: OpenJudge = (tool, structured) => {
  const expected = expectedOf(tool, structured)
  const history = new Histories(1).of(tool.tool)
  const how = { rows: undefined, emptyIsNormal: false, isPayload: expected.isPayload, sensitivity: 'normal' } as const
  return (given) => {
    const bytes = bytesOf(given)
    const args = Buffer.from(JSON.stringify(given.args))
    const looked = classify(bytes, factsOf(bytes), expected, args, history.learned())
    const { atMs, latencyMs } = given
    return history.take({ looked, atMs, latencyMs, asked: argumentsHash(args), wroteAtMs: 0 }, how)
  }
}
