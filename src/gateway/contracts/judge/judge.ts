// The judge of contracts: what a change of a tool's definition means for those who call it. Pure; docs/contracts.md says how it judges.
import { breaks, type Change, type Judgement, type Reading, type ToolContract, type Verdict, worse } from '../../../core/call/contract.ts'
import type { JudgeOptions } from '../../../core/ports/contract-judge.ts'
import { isObject } from '../../../core/protocol/is-object.ts'
import type { Canonical } from './canonical.ts'
import { type Compared, Comparison, examplesOf } from './compare.ts'
import { type ReadContract, readContract } from './digests.ts'
import type { Rules } from './prove.ts'
import { rules } from './rules.ts'
import { saidChanges } from './said-changes.ts'
import { type Difference, differences } from './walk.ts'

export type Judge = (old: ToolContract, now: ToolContract, options?: JudgeOptions) => Judgement

/** Why values cannot be judged by a schema at all, where the validator that calls are checked with falls over it. */
export type Run = (schema: unknown, values: readonly unknown[]) => string | undefined

/** With the default rules, and nothing run. */
export const judge: Judge = createJudge(rules)

/** Steps of the proof of one change by itself. */
const stepsOfChange = 2_000
/** Changes that are judged one by one; those behind are as the whole. */
const mostJudged = 40

export function createJudge(proofs: Rules, run?: Run): Judge {
  return (before, after, { reading = 'declared', undeclared = [] } = {}) => {
    const old = readContract(before)
    const now = readContract(after)
    const said = saidChanges(old, now)
    const sides = [inputSide(proofs, old, now, reading, new Set(undeclared)), outputSide(proofs, old, now, reading)]
    const changes = [...sides.flatMap((side) => side.changes), ...said]
    const judged = [...sides.map((side) => side.verdict), ...said.map((change) => change.verdict)].reduce(worse, 'same')
    const example = sides.find((side) => side.verdict === judged && side.example !== undefined)?.example
    const fallen = old.digests.contract === now.digests.contract ? undefined : fallOf(now, example, proofs, run)
    const problem = now.input.problem ?? now.output?.problem ?? fallen
    // What cannot be run is no pass, whatever was proved of it.
    const verdict = fallen === undefined ? judged : worse(judged, 'unknown')
    return {
      verdict,
      changes,
      ...(example === undefined ? {} : { example }),
      ...(problem === undefined ? {} : { error: problem }),
      old: old.digests,
      new: now.digests,
      human: sentence(now.name, verdict, changes),
      spent: sides.some((side) => side.spent),
    }
  }
}

/** The new schemas run on values that fit them, and on the example. */
function fallOf({ source, input, output }: ReadContract, example: unknown, proofs: Rules, run: Run | undefined): string | undefined {
  if (run === undefined) return undefined
  const values = (read: Canonical): unknown[] => (read.problem === undefined ? [{}, ...examplesOf(read.schema, proofs)] : [])
  const more = example === undefined ? [] : [example]
  return (
    run(source.inputSchema, [...values(input), ...more]) ??
    (output === undefined ? undefined : run(source.outputSchema, [...values(output), ...more]))
  )
}

interface Side {
  readonly verdict: Verdict
  readonly changes: readonly Change[]
  readonly example?: unknown
  readonly spent: boolean
}

const unchanged: Side = { verdict: 'same', changes: [], spent: false }

function inputSide(proofs: Rules, old: ReadContract, now: ReadContract, reading: Reading, undeclared: ReadonlySet<string>): Side {
  const unread = unreadable('input', old.input, now.input)
  if (unread !== undefined) return unread
  if (old.input.text === now.input.text) return unchanged
  const side = schemaSide(proofs, 'input', old.input, now.input, reading, undeclared)
  if (!isEmptied(old.input, now.input)) return side
  const emptied: Change = {
    kind: 'contract.emptied',
    side: 'input',
    pointer: '',
    verdict: 'breaking',
    human: 'the input schema says nothing any more',
  }
  // What is refused, if anything is: that arguments are ignored is not why.
  const example = side.verdict === 'breaking' ? side.example : undefined
  const changes = [emptied, ...side.changes]
  return { verdict: 'breaking', changes, spent: side.spent, ...(example === undefined ? {} : { example }) }
}

/** An input schema that declared names and lost every word. */
function isEmptied(old: Canonical, now: Canonical): boolean {
  return isObject(old.schema) && old.schema.properties !== undefined && now.text === '{"type":"object"}'
}

function outputSide(proofs: Rules, old: ReadContract, now: ReadContract, reading: Reading): Side {
  if (old.output === undefined && now.output === undefined) return unchanged
  if (old.output === undefined) return only('output.added', 'additive', 'results have a schema now')
  if (now.output === undefined) return only('output.removed', 'breaking', 'results have no schema any more')
  const unread = unreadable('output', old.output, now.output)
  if (unread !== undefined) return unread
  if (old.output.text === now.output.text) return unchanged
  return schemaSide(proofs, 'output', old.output, now.output, reading, new Set())
}

function only(kind: 'output.added' | 'output.removed', verdict: Verdict, human: string): Side {
  return { verdict, changes: [{ kind, side: 'output', pointer: '', verdict, human }], spent: false }
}

function unreadable(side: 'input' | 'output', old: Canonical, now: Canonical): Side | undefined {
  const problem = now.problem ?? old.problem
  if (problem === undefined || old.text === now.text) return undefined
  const human = `the ${side} schema cannot be judged: ${problem}`
  return { verdict: 'unknown', changes: [{ kind: 'schema.changed', side, pointer: '', verdict: 'unknown', human }], spent: false }
}

function schemaSide(
  proofs: Rules,
  side: 'input' | 'output',
  old: Canonical,
  now: Canonical,
  reading: Reading,
  undeclared: ReadonlySet<string>,
): Side {
  const comparison = new Comparison(proofs, side, reading)
  const whole = comparison.compare(old.schema, now.schema)
  let spent = whole.spent
  const changes = differences(old.schema, now.schema, side).map((difference, index): Change => {
    const alone =
      index < mostJudged ? comparison.compare(old.schema, difference.patched, stepsOfChange) : { verdict: whole.verdict, spent: false }
    if (alone.spent) spent = true
    return changeOf(side, difference, alone, whole, undeclared)
  })
  const worst = changes.map((change) => change.verdict).reduce(worse, 'additive')
  const verdict = worse(whole.verdict, worst)
  if (whole.verdict !== worst && verdict === whole.verdict) changes.unshift(combination(side, whole))
  return { verdict, changes, ...(whole.example === undefined ? {} : { example: whole.example }), spent }
}

function changeOf(
  side: 'input' | 'output',
  { kind, pointer, human, from, to, score, argument }: Difference,
  alone: Compared,
  whole: Compared,
  undeclared: ReadonlySet<string>,
): Change {
  const base = {
    kind,
    side,
    pointer,
    human,
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(score === undefined ? {} : { score }),
  }
  if (argument !== undefined && undeclared.has(argument)) {
    return { ...base, verdict: 'breaking', note: `callers sent ${argument} before it was declared` }
  }
  // The proof of the whole is the one that counts.
  if (worse(alone.verdict, whole.verdict) !== whole.verdict) {
    return { ...base, verdict: whole.verdict, note: breaks(whole.verdict) ? 'not sure in context' : 'harmless in context' }
  }
  return { ...base, verdict: alone.verdict, ...(alone.example === undefined ? {} : { example: alone.example }) }
}

function combination(side: 'input' | 'output', { verdict, example }: Compared): Change {
  const human = 'no change by itself has this effect, together they have'
  return { kind: 'combination', side, pointer: '', verdict, human, ...(example === undefined ? {} : { example }) }
}

const mostTold = 3

/** The worst first. */
function told(changes: readonly Change[], verdict: Verdict): string {
  const worst = changes.filter((change) => change.verdict === verdict)
  const texts = worst.slice(0, mostTold).map((change) => change.human)
  return worst.length > mostTold ? `${texts.join('; ')}; and ${worst.length - mostTold} more` : texts.join('; ')
}

/** For operators, one line. */
export function sentence(name: string, verdict: Verdict, changes: readonly Change[]): string {
  if (verdict === 'same') return `${name}: the same`
  const text = told(changes, verdict)
  return text === '' ? `${name}: ${verdict}` : `${name}: ${verdict}: ${text}`
}
