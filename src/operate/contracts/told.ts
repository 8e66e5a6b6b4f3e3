// A comparison for people on a terminal, and for programs.
import { breaks, type Change } from '../../core/call/contract.ts'
import { onOneLine } from '../../core/text/terminal.ts'
import type { Style } from '../text.ts'
import type { Comparison, ToolReport } from './compare.ts'

export function toolLabel({ server, name }: Pick<ToolReport, 'server' | 'name'>): string {
  return `${server}.${name}`
}

/** What a change of a text alone is called: nothing of it is a matter of schemas. */
export function isText(change: Change): boolean {
  return change.side === 'prose'
}

/** Changes of one tool that are shown beside the first. */
const mostChanges = 12
/** Characters of an example that are shown. */
const longestExample = 400

export function comparisonText(comparison: Comparison, exitCode: number, style: Style): string {
  const changed = comparison.tools.filter(({ changes, waived, held }) => changes.length + waived.length + held.length > 0)
  const lines = changed.flatMap((report) => toolLines(report, style))
  for (const { server, reason } of comparison.unreachable) lines.push(style.bad(`CANNOT TELL ${server}  ${onOneLine(reason)}`))
  for (const note of comparison.notes) lines.push(`note: ${onOneLine(note)}`)
  return `${[...lines, `${counts(comparison)}   (exit ${exitCode})`].join('\n')}\n`
}

function toolLines(report: ToolReport, style: Style): string[] {
  const { verdict, changes, waived, held } = report
  const inOrder = [...changes].sort((a, b) => rank(b, verdict) - rank(a, verdict))
  const [first, ...rest] = inOrder
  const word = first === undefined ? 'ACCEPTED' : !isInWords(report) ? verdict.toUpperCase() : held.length > 0 ? 'HELD' : 'TEXT'
  const paint = breaks(verdict) || held.length > 0 ? style.bad : style.bold
  const lines = [`${paint(word)} ${onOneLine(toolLabel(report))}${first === undefined ? '' : `  ${said(first)}`}`]
  lines.push(...exampleLines(first, report.example))
  const texts = rest.filter(isText)
  const others = rest.filter((change) => !isText(change))
  for (const change of others.slice(0, mostChanges)) lines.push(`  ${change.verdict} ${said(change)}`, ...exampleLines(change, undefined))
  if (others.length > mostChanges) lines.push(`  and ${others.length - mostChanges} more changes (--json has all)`)
  const [text, ...more] = texts
  if (text !== undefined) lines.push(`  text ${said(text)}${more.length === 0 ? '' : `, and ${more.length} more`}`)
  for (const { rule, pointer, sentence } of held) lines.push(style.bad(`  held ${rule} ${onOneLine(pointer)}: ${onOneLine(sentence)}`))
  for (const { change, until } of waived) lines.push(style.dim(`  accepted until ${until}: ${said(change)}`))
  if (report.error !== undefined) lines.push(`  ${onOneLine(report.error)}`)
  if (report.spent === true) lines.push('  the proof ended at its limits')
  return lines
}

/** The worst first, texts last. */
function rank(change: Change, worst: string): number {
  return isText(change) ? 0 : change.verdict === worst ? 2 : 1
}

/** Nothing changed but texts. */
function isInWords({ changes }: ToolReport): boolean {
  return changes.length > 0 && changes.every(isText)
}

function said({ pointer, human, note }: Change): string {
  const text = `${pointer === '' || human.startsWith(pointer) ? '' : `${pointer}  `}${human}${note === undefined ? '' : ` (${note})`}`
  return onOneLine(text)
}

const effects = { breaking: 'refused now', unknown: 'perhaps refused now', ignored: 'partly ignored now' } as const

function exampleLines(change: Change | undefined, whole: unknown): string[] {
  if (change === undefined || !(change.verdict in effects)) return []
  const example = change.example ?? whole
  if (example === undefined) return []
  const json = JSON.stringify(example)
  const shown = onOneLine(json.length > longestExample ? `${json.slice(0, longestExample)}…` : json)
  const effect = effects[change.verdict as keyof typeof effects]
  return [change.side === 'output' ? `  given now, not before: ${shown}` : `  accepted before, ${effect}: ${shown}`]
}

/** `1 breaking, 2 additive, 14 unchanged`: what there is none of is not named. */
function counts({ tools, unreachable }: Comparison): string {
  const of = (holds: (report: ToolReport) => boolean): number => tools.filter(holds).length
  const parts: [number, string][] = [
    ...(['breaking', 'ignored', 'unknown', 'behavioural', 'additive'] as const).map((verdict): [number, string] => [
      of((report) => report.verdict === verdict && !isInWords(report)),
      verdict,
    ]),
    [of(({ held }) => held.length > 0), 'held'],
    [of(isInWords), 'in words only'],
    [of(({ verdict }) => verdict === 'same'), 'unchanged'],
    [unreachable.length, unreachable.length === 1 ? 'server cannot be told' : 'servers cannot be told'],
  ]
  const shown = parts.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`)
  return shown.length === 0 ? 'no tools' : shown.join(', ')
}

/** For programs. */
export function comparisonData(comparison: Comparison, exitCode: number): unknown {
  return {
    verdict: comparison.verdict,
    exitCode,
    tools: comparison.tools.map(({ server, name, waived, ...report }) => ({
      tool: toolLabel({ server, name }),
      ...report,
      ...(waived.length === 0 ? {} : { accepted: waived.map(({ change, until }) => ({ ...change, until })) }),
    })),
    ...(comparison.unreachable.length === 0 ? {} : { unreachable: comparison.unreachable }),
    ...(comparison.notes.length === 0 ? {} : { notes: comparison.notes }),
  }
}
