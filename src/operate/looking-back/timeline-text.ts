// A timeline as a tree for people: what a run did, in a minute's reading. What others wrote is on one line and cut to the width.
import { forTerminal, onOneLine } from '../../core/text/terminal.ts'
import type { Step, StepKind, Timeline, Totals, Turn } from '../../observe/index.ts'
import type { Style } from '../text.ts'
import { amount, moment, money, size, span } from './figures.ts'

export interface TimelineTextOptions {
  readonly style: Style
  /** Columns of the terminal. */
  readonly width: number
  /** Of the costs; undefined: not known here. */
  readonly currency: string | undefined
}

const words: Readonly<Record<StepKind, string>> = {
  ok: 'ok',
  empty: 'EMPTY?',
  suspect: 'SUSPECT',
  error: 'error',
  failed: 'FAILED',
  denied: 'DENIED',
  limited: 'LIMITED',
  input: 'asks',
  task: 'task',
  refused: 'REFUSED',
}
const wordWidth = 7
const leastWidth = 60

export function timelineText(timeline: Timeline, options: TimelineTextOptions): string {
  const lines = [...head(timeline, options), '']
  for (const turn of timeline.turns) lines.push(...turnLines(turn, options), '')
  if (timeline.cut) lines.push('The run has more calls than are shown; --json and --from narrow it.', '')
  return lines.join('\n').trimEnd()
}

function head({ run, principals, clients, teams, from, to, totals }: Timeline, { style, currency }: TimelineTextOptions): string[] {
  const who = principals.map(({ subject, issuer }) => `${subject ?? 'unknown'}${issuer === null ? '' : ` of ${issuer}`}`).join(', ')
  const about = [who, clients.length === 0 ? '' : `by ${clients.join(', ')}`, teams.length === 0 ? '' : `team ${teams.join(', ')}`]
  return [
    `${style.bold(`Run ${text(run, 128)}`)}  ${about
      .filter((one) => one !== '')
      .map((one) => text(one, 200))
      .join(', ')}`,
    `${moment(from)} to ${moment(to)} (${span(to - from)})`,
    summary(totals, currency),
  ]
}

function turnLines(turn: Turn, options: TimelineTextOptions): string[] {
  const { style } = options
  const name = turn.stated ? `turn ${text(turn.id, 64)}` : turn.id === '' ? 'no turn' : `trace ${text(turn.id, 32)}`
  const title = `${style.bold(name)}  ${style.dim(`${clockTime(turn.from)}, ${span(turn.to - turn.from)}`)}`
  return [title, ...turn.steps.flatMap((step, n) => stepLines(step, n === turn.steps.length - 1, options))]
}

function stepLines(step: Step, last: boolean, { style, width, currency }: TimelineTextOptions): string[] {
  const { call, kind, totals } = step
  const [branch, under] = last ? ['└', ' '] : ['├', '│']
  const columns = Math.max(leastWidth, width)
  const name = call.upstream === null ? (call.method ?? '') : `${call.upstream}/${call.item ?? call.method ?? ''}`
  const version = call.version === null ? '' : `@v${call.version}`
  const figures = [
    step.times > 1 ? `${span(totals.ms)} in all` : span(totals.ms),
    call.result === null ? '' : resultText(call.result),
    totals.tokens === 0 ? '' : `${amount(totals.tokens)} tokens`,
    totals.costNano === 0 ? '' : money(totals.costNano, currency),
  ].filter((one) => one !== '')
  const times = step.times > 1 ? ` ×${step.times}` : ''
  const plain = `${branch} ${offset(step.afterMs)}  ${words[kind].padEnd(wordWidth)}  ${text(name, 96)}${version}${times}`
  const args = argumentsText(call.arguments, columns - plain.length - 2)
  const lines = [
    `${branch} ${style.dim(offset(step.afterMs))}  ${paint(kind, words[kind].padEnd(wordWidth), style)}  ${text(name, 96)}${version}${style.bold(times)}${args === '' ? '' : `  ${args}`}`,
  ]
  const below = (line: string): void => void lines.push(`${under}              ${within(line, columns - 15)}`)
  if (call.why !== null) below(`why: ${text(call.why, 500)}`)
  below(style.dim(text(figures.join(', '), columns)))
  if (call.fault !== null)
    below(
      `${call.fault.kind} (${call.fault.category}${effect(call.fault.sideEffect)}), ${call.termination}: ${text(call.fault.message, 300)}`,
    )
  else if (call.suspect !== null) below(`doubtful: ${call.suspect.join(', ')}`)
  if (call.reason !== null && kind === 'denied') below(`rule ${call.rule}: ${text(call.reason, 300)}`)
  if (call.attempted.length > 1)
    for (const { number, ms, fault, evidence } of call.attempted)
      below(`attempt ${number}: ${span(ms)}, ${fault === null ? 'answered' : `${fault}${evidence === null ? '' : ` (${evidence})`}`}`)
  for (const { name: phase, ms } of call.phases) if (ms >= noteworthyMs && phase !== 'wait') below(`${span(ms)} in ${phase}`)
  if (call.parkedMs !== null) below(`${span(call.parkedMs)} until its user had answered`)
  if (call.stream !== null)
    below(`${call.stream.events} events, first after ${span(call.stream.firstMs)}, longest gap ${span(call.stream.longestGapMs)}`)
  if (call.masked !== null)
    below(
      `masked: ${Object.entries(call.masked)
        .map(([rule, count]) => `${rule} ${count}`)
        .join(', ')}`,
    )
  if (step.delivery !== undefined) below(`the answer did not reach its client: ${step.delivery}`)
  for (const { about, decision, rule, reason } of step.decisions)
    below(`${about} ${decision === 'denied' ? 'refused' : 'granted'} by ${rule}${reason === null ? '' : `: ${text(reason, 200)}`}`)
  if (step.times > 1) below(`the last of them at ${clockTime(step.lastAt)}`)
  return lines
}

function resultText({ bytes, rows, shape }: NonNullable<Step['call']['result']>): string {
  const counted = rows === null ? '' : ` in ${amount(rows)} ${rows === 1 ? 'row' : 'rows'}`
  return `${size(bytes)}${counted}${shape === null ? '' : ` ${shape}`}`
}

/** A wait that short explains nothing. */
const noteworthyMs = 50

function summary(
  { calls, good, suspect, errors, faults, denied, limited, again, tokens, costNano, ms }: Totals,
  currency: string | undefined,
): string {
  const ended = [
    [good, 'good'],
    [suspect, 'doubtful'],
    [errors, 'errors of tools'],
    [faults - denied - limited, 'failed'],
    [denied, 'denied'],
    [limited, 'over a limit'],
  ] as const
  const parts = ended.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`)
  const figures = [
    again === 0 ? '' : `${again} sent again`,
    tokens === 0 ? '' : `${amount(tokens)} tokens`,
    costNano === 0 ? '' : money(costNano, currency),
    `${span(ms)} in calls`,
  ].filter((one) => one !== '')
  return `${calls} ${calls === 1 ? 'call' : 'calls'}: ${parts.join(', ')}; ${figures.join(', ')}`
}

function paint(kind: StepKind, word: string, style: Style): string {
  if (kind === 'ok' || kind === 'task' || kind === 'input') return style.good(word)
  return style.bad(word)
}

function effect(sideEffect: string): string {
  return sideEffect === 'none' ? ', not executed' : sideEffect === 'applied' ? ', executed' : ', may have been executed'
}

function argumentsText(value: unknown, most: number): string {
  if (value === null || value === undefined || most < 12) return ''
  const said = typeof value === 'string' ? value : JSON.stringify(value)
  return said === '{}' ? '' : text(said, most)
}

/** One line of somebody's text, cut to so many characters. */
function text(said: string, most: number): string {
  const line = onOneLine(forTerminal(said))
  return line.length <= most ? line : `${line.slice(0, Math.max(1, most - 1))}…`
}

/** Colours take no column, and are never cut. */
function within(line: string, most: number): string {
  return line.includes('\u001b') || line.length <= most ? line : `${line.slice(0, most - 1)}…`
}

function offset(ms: number): string {
  const seconds = Math.floor(ms / 1_000)
  const minutes = Math.floor(seconds / 60)
  return `+${String(minutes).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}.${String(Math.floor(ms % 1_000)).padStart(3, '0')}`
}

function clockTime(at: number): string {
  return new Date(at).toISOString().slice(11, 23)
}
