// `signalbox config`: puts another configuration into force at a running gateway, and shows what was in force before.
import { isObject } from '../../core/protocol/is-object.ts'
import { forTerminal, jsonForTerminal } from '../../core/text/terminal.ts'
import { differences } from '../../platform/config/differences.ts'
import { getAdmin, postAdmin, readAdmin } from '../client/admin-client.ts'
import { styleFor, table } from '../text.ts'
import { type ExitCode, exit } from './exit.ts'

export interface ConfigOptions {
  readonly url: string
  readonly json?: boolean
}

/** Servers that take the place of others are started first. */
const timeoutMs = 180_000
const mostShown = 1_000

type Answer = Readonly<Record<string, unknown>>

export async function configReload(options: ConfigOptions): Promise<ExitCode> {
  return ended(options, await postAdmin(options.url, '/admin/v1/config/reload', {}, timeoutMs))
}

export async function configRollback(revision: string, options: ConfigOptions): Promise<ExitCode> {
  if (!isRevision(revision)) return wrong(revision)
  const code = ended(
    options,
    await postAdmin(options.url, `/admin/v1/config/revisions/${revision}/actions`, { action: 'rollback' }, timeoutMs),
  )
  if (code === exit.ok)
    process.stderr.write('The file stays as it is: a change of it, a reload and a restart put into force what it says.\n')
  return code
}

export async function configHistory({ url, json }: ConfigOptions): Promise<ExitCode> {
  const found = await readAdmin(url, '/admin/v1/config/revisions', 'revisions', mostShown)
  if (typeof found === 'string') return failed(found)
  const rows = found.filter(isObject)
  if (json === true) print(jsonForTerminal(JSON.stringify({ revisions: rows })))
  else {
    const style = styleFor(process.stdout)
    const lines = rows.map(({ revision, at, author, digest }) => [String(revision), String(at), String(author), String(digest)])
    print(table([['revision', 'since', 'by', 'digest'], ...lines], (cell, row) => (row === 0 ? style.dim(cell) : cell)))
  }
  return exit.ok
}

/** Without numbers: the file against what is in force; with one: what is in force against that revision; with two: the second against the first. */
export async function configDiff(a: string | undefined, b: string | undefined, options: ConfigOptions): Promise<ExitCode> {
  for (const one of [a, b]) if (one !== undefined && !isRevision(one)) return wrong(one)
  if (a === undefined) return ended(options, await postAdmin(options.url, '/admin/v1/config/reload', { onlyCheck: true }, timeoutMs))
  const [before, after] = await Promise.all([
    getAdmin(options.url, `/admin/v1/config/revisions/${a}`),
    getAdmin(options.url, b === undefined ? '/admin/v1/config' : `/admin/v1/config/revisions/${b}`),
  ])
  if (typeof before === 'string') return failed(before)
  if (typeof after === 'string') return failed(after)
  const changes = differences(before.config, after.config).map(({ path, ...values }) => ({ key: path.join('.'), ...values }))
  if (options.json === true) print(jsonForTerminal(JSON.stringify({ changes })))
  else print(changes.length === 0 ? 'They say the same, but for secrets, which nobody is shown.' : linesOf(changes).join('\n'))
  return exit.ok
}

function ended({ json }: ConfigOptions, answer: { readonly status: number; readonly body: Answer } | string): ExitCode {
  if (typeof answer === 'string') return failed(answer)
  const { status, body } = answer
  if (status !== 200 && status !== 422) return failed(String(body.detail ?? `it was answered with HTTP ${status}`))
  const { problems = [], changes = [], servers, outcome = 'refused', revision } = body
  if (json === true) print(jsonForTerminal(JSON.stringify({ outcome, revision, problems, changes, servers })))
  else {
    const lines = Array.isArray(changes) ? linesOf(changes.filter(isObject)) : []
    const why = Array.isArray(problems) ? problems.map(String) : []
    print([...lines, ...why.map((line) => forTerminal(line)), forTerminal(sentence(String(outcome), revision))].join('\n'))
  }
  return status === 200 ? exit.ok : exit.invalid
}

function sentence(outcome: string, revision: unknown): string {
  const which = revision === undefined ? '' : ` (revision ${String(revision)})`
  const sentences: Readonly<Record<string, string>> = {
    applied: `It is in force now${which}.`,
    unchanged: `Nothing is another: what was in force stays so${which}.`,
    checked: 'It could be put into force: `signalbox config reload` does so.',
  }
  return sentences[outcome] ?? 'It was refused; what was in force stays so.'
}

function linesOf(changes: readonly Answer[]): readonly string[] {
  return changes.map(({ key, before, after, secret }) => {
    const values = secret === true ? 'a secret is another' : `${written(before)} → ${written(after)}`
    return forTerminal(`${String(key)}: ${values}`)
  })
}

function written(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value)
}

function isRevision(text: string): boolean {
  return /^[1-9]\d{0,11}$/.test(text)
}

function wrong(revision: string): ExitCode {
  process.stderr.write(`${forTerminal(revision)} is no number of a revision; see \`signalbox config history\`\n`)
  return exit.usage
}

function failed(problem: string): ExitCode {
  process.stderr.write(`${forTerminal(problem)}\n`)
  return exit.failed
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
