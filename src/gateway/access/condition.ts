// Conditions of access rules: CEL on the principal, the tool, its arguments and the time. Arguments come from outside, so a condition costs no
// more than one walk over them: loops do not nest, and patterns are matched in linear time.
import { type ASTNode, Environment } from '@marcbachmann/cel-js'
import { RE2JS } from 're2js'

/** What a condition sees. */
export interface Facts {
  readonly principal: Readonly<Record<string, unknown>>
  readonly tool: Readonly<Record<string, unknown>>
  readonly args: unknown
  readonly now: Date
}

export interface Condition {
  /** True where nothing but a call shows whether it holds. */
  readonly needsArguments: boolean
  /** A condition that cannot be evaluated (a member that is not there, another type) does not hold; `why` tells it. */
  holds(facts: Facts): { readonly holds: boolean; readonly why?: string }
}

/** Why a condition is none, for the configuration. */
export class ConditionProblem extends Error {
  override readonly name = 'ConditionProblem'
}

const loops = new Set(['all', 'exists', 'exists_one', 'map', 'filter'])

const patterns = new Map<string, RE2JS>()

const environment = new Environment({ limits: { maxAstNodes: 1_000, maxDepth: 50 } })
  .registerVariable('principal', 'map')
  .registerVariable('tool', 'map')
  .registerVariable('args', 'map')
  .registerVariable('now', 'google.protobuf.Timestamp')
  .registerFunction('string.linearMatches(string): bool', (text: string, pattern: string) => compiled(pattern).matcher(text).find())

/** Throws `ConditionProblem`. */
export function readCondition(text: string): Condition {
  const first = parse(text)
  check(first.ast, text)
  const { check: judge, ...parsed } = withLinearPatterns(text, first.ast)
  const verdict = judge()
  if (!verdict.valid) throw new ConditionProblem(firstLine(verdict.error?.message ?? 'it has no type'))
  if (verdict.type !== undefined && verdict.type !== 'bool' && verdict.type !== 'dyn') {
    throw new ConditionProblem(`it gives ${verdict.type}, not true or false`)
  }
  return {
    needsArguments: names(first.ast).has('args'),
    holds: ({ principal, tool, args, now }) => {
      try {
        const value = parsed.evaluate({ principal, tool, args: isMap(args) ? args : {}, now })
        return value === true ? { holds: true } : { holds: false }
      } catch (error) {
        return { holds: false, why: firstLine(error instanceof Error ? error.message : String(error)) }
      }
    },
  }
}

interface Parsed {
  readonly ast: ASTNode
  check(): { readonly valid: boolean; readonly type?: string; readonly error?: { readonly message: string } }
  evaluate(context: Record<string, unknown>): unknown
}

function parse(text: string): Parsed {
  try {
    const run = environment.parse(text)
    return { ast: run.ast, check: () => run.check() as ReturnType<Parsed['check']>, evaluate: (context) => run(context) }
  } catch (error) {
    throw new ConditionProblem(firstLine(error instanceof Error ? error.message : String(error)))
  }
}

function check(node: ASTNode, text: string, inLoop = false): void {
  const isLoop = node.op === 'rcall' && loops.has(String((node.args as unknown[])[0]))
  if (isLoop && inLoop) throw new ConditionProblem('it has a loop in a loop, which costs too much on large arguments')
  const pattern = patternOf(node)
  if (pattern === null) throw new ConditionProblem('the pattern of `matches` is not written out')
  if (pattern !== undefined) compiled(pattern)
  for (const part of children(node)) check(part, text, inLoop || isLoop)
}

/** Undefined where it is no `matches`, null where its pattern is no literal. */
function patternOf(node: ASTNode): string | null | undefined {
  if (node.op !== 'rcall') return undefined
  const [name, , parameters] = node.args as [string, ASTNode, ASTNode[]]
  if (name !== 'matches') return undefined
  const [only] = parameters
  return only?.op === 'value' && typeof only.args === 'string' ? only.args : null
}

/** The library matches with backtracking; its own function cannot be replaced, so calls of it become calls of ours. */
function withLinearPatterns(text: string, ast: ASTNode): Parsed {
  const places = matchesIn(ast).sort((a, b) => b - a)
  let changed = text
  for (const end of places) changed = changed.slice(0, end) + changed.slice(end).replace(/^(\s*\.\s*)matches/, '$1linearMatches')
  return parse(changed)
}

/** Where the receivers of `matches` end. */
function matchesIn(node: ASTNode): number[] {
  const own = patternOf(node) === undefined ? [] : [(node.args as [string, ASTNode])[1].range.end]
  return [...own, ...children(node).flatMap(matchesIn)]
}

function compiled(pattern: string): RE2JS {
  let made = patterns.get(pattern)
  if (made === undefined) {
    try {
      made = RE2JS.compile(pattern)
    } catch (error) {
      throw new ConditionProblem(`the pattern ${JSON.stringify(pattern)} is none: ${firstLine(String(error))}`)
    }
    patterns.set(pattern, made)
  }
  return made
}

function children(node: ASTNode): ASTNode[] {
  const found: ASTNode[] = []
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) for (const each of value) walk(each)
    else if (isNode(value)) found.push(value)
  }
  walk(node.args)
  if (isNode(node.args)) return [node.args]
  return found
}

function isNode(value: unknown): value is ASTNode {
  return typeof value === 'object' && value !== null && 'op' in value && 'args' in value
}

function names(node: ASTNode): Set<string> {
  const own = node.op === 'id' ? [String(node.args)] : []
  return new Set([...own, ...children(node).flatMap((part) => [...names(part)])])
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] as string
}
