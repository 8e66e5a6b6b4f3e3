// `signalbox policy test FILE` and `policy explain`: what the rules of `access` say, asked without a gateway. They decide as calls are decided.
import { resolve } from 'node:path'
import { z } from 'zod'
import { forTerminal, jsonForTerminal } from '../../core/text/terminal.ts'
import {
  askedPrincipal,
  askedTool,
  createPolicy,
  type Explained,
  explainAsked,
  type Policy,
  readAskedJson,
  readAskedPrincipal,
} from '../../gateway/access/index.ts'
import { systemClock } from '../../platform/clock/system-clock.ts'
import { formatProblem, readConfigFile } from '../../platform/config/index.ts'
import { styleFor, table } from '../text.ts'
import { type ExitCode, exit } from './exit.ts'
import { loadOrTell } from './options.ts'

interface PolicyOptions {
  readonly config?: string
  readonly json?: boolean
}

const aCase = z.strictObject({
  name: z.string().optional(),
  who: askedPrincipal.prefault({}),
  tool: askedTool,
  kind: z.enum(['tool', 'prompt', 'resource', 'template', 'skill']).default('tool'),
  readOnly: z.boolean().default(false),
  args: z.record(z.string(), z.unknown()).default({}),
  at: z.iso.datetime({ offset: true }).optional(),
  expect: z.enum(['allow', 'step-up', 'deny']),
  rule: z.string().optional(),
})

const cases = z.strictObject({ cases: z.array(aCase).min(1) })

export async function policyTest(file: string, options: PolicyOptions): Promise<ExitCode> {
  const policy = await policyOf(options)
  if (policy === undefined) return exit.invalid
  const read = readConfigFile(resolve(process.cwd(), file), cases, { env: process.env, baseDir: process.cwd() })
  if (!read.ok) {
    for (const problem of read.problems) process.stderr.write(`${forTerminal(formatProblem(problem))}\n`)
    return exit.invalid
  }
  const results = read.settings.cases.map((one, at) => {
    const { decision, rule, rules } = explainAsked(policy, { ...one, principal: one.who, now: new Date(one.at ?? systemClock.now()) })
    const passed = decision === one.expect && (one.rule === undefined || rule === one.rule)
    const whom = one.name ?? `${one.who.sub} [${[...one.who.groups, ...one.who.scopes].join(' ')}]`
    return { case: at + 1, name: whom, tool: one.tool, expect: one.expect, expectRule: one.rule, decision, rule, passed, rules }
  })
  const failed = results.filter(({ passed }) => !passed)
  if (options.json === true) {
    write(JSON.stringify({ verdict: failed.length === 0 ? 'pass' : 'fail', cases: results.map(({ rules, ...result }) => result) }))
    return failed.length === 0 ? exit.ok : exit.failed
  }
  const style = styleFor(process.stdout)
  const rows = results.map(({ case: at, name, tool, expect, expectRule, decision, rule, passed }) => [
    passed ? 'ok' : 'FAIL',
    String(at),
    name,
    tool,
    passed || decision === expect ? decision : `${decision}, not ${expect}`,
    passed || decision !== expect ? rule : `${rule}, not ${expectRule}`,
  ])
  const painted = table([['', 'case', 'who', 'tool', 'decision', 'rule'], ...rows], (cell, row, column) =>
    row === 0 ? style.dim(cell) : column === 0 ? (cell.trim() === 'ok' ? style.good(cell) : style.bad(cell)) : cell,
  )
  write(painted)
  for (const { case: at, rules } of failed) write(`\nCase ${at}, rule by rule:\n${rulesTable(rules)}`)
  write(`\n${results.length - failed.length} passed, ${failed.length} failed`)
  return failed.length === 0 ? exit.ok : exit.failed
}

export interface ExplainOptions extends PolicyOptions {
  /** A subject, or a JSON object of what is known of the principal. */
  readonly principal: string
  readonly tool: string
  readonly args?: string
}

export async function policyExplain(options: ExplainOptions): Promise<ExitCode> {
  const principal = readAskedPrincipal(options.principal)
  const args = readAskedJson(options.args ?? '{}')
  if (typeof principal === 'string') return usage(`--principal ${principal}`)
  if (args === undefined) return usage('--args is no JSON')
  if (!askedTool.safeParse(options.tool).success) return usage('--tool is not server/name, with the server’s own name of the tool')
  const policy = await policyOf(options)
  if (policy === undefined) return exit.invalid
  const told = explainAsked(policy, { principal, tool: options.tool, args, now: new Date(systemClock.now()) })
  if (options.json === true) {
    write(JSON.stringify({ principal, tool: options.tool, ...told }))
    return exit.ok
  }
  const style = styleFor(process.stdout)
  const verdict = told.decision === 'allow' ? style.good('allowed') : style.bad(told.decision === 'deny' ? 'denied' : 'a step-up is asked')
  const missing = told.missing.length === 0 ? '' : `, lacks ${told.missing.join(' ')}`
  write(`${verdict} by ${told.rule}${missing}; ${told.listed ? 'listed' : 'not listed'}\n${rulesTable(told.rules)}`)
  return exit.ok
}

async function policyOf(options: PolicyOptions): Promise<Policy | undefined> {
  const loaded = await loadOrTell({ ...(options.config === undefined ? {} : { config: options.config }) }, false)
  if (loaded === undefined) return undefined
  const { access } = loaded.settings
  if (access === undefined) {
    process.stderr.write(`${forTerminal(loaded.source)} has no \`access\`: everything is allowed (dev profile). Add rules to test them.\n`)
    return undefined
  }
  return createPolicy(access, systemClock)
}

function usage(what: string): ExitCode {
  process.stderr.write(`${forTerminal(what)}\n`)
  return exit.usage
}

function rulesTable(rules: Explained['rules']): string {
  return table(rules.map(({ rule, shadow, says }) => [rule, shadow ? 'shadow' : '', says]))
}

function write(text: string): void {
  process.stdout.write(`${text.startsWith('{') ? jsonForTerminal(text) : text}\n`)
}
