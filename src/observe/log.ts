// The log: JSON lines for machines, a short form on a terminal. Always on standard error, buffered, flushed at exit; what it writes has
// passed the redactor, and what has texts of others in it is written without the secrets in them.
import { styleText } from 'node:util'
import type { Clock } from '../core/ports/clock.ts'
import type { Log, LogSeverity } from '../core/ports/report.ts'
import type { Redaction } from '../core/secrets/redaction.ts'
import { withoutSecrets } from '../core/secrets/without-secrets.ts'
import { forTerminal, onOneLine } from '../core/text/terminal.ts'
import { LineWriter } from './line-writer.ts'
import type { Redact } from './redact.ts'
import type { LogSettings } from './settings.ts'

export interface LogSink {
  readonly log: Log
  /** Of each call: whoever writes it has cleaned what others said. */
  readonly call: Log
  /** False where the severity is not written: saves building the fields. */
  enabled(severity: LogSeverity): boolean
  /** Resolves when all lines have left. */
  flush(): Promise<void>
}

interface Target {
  write(line: string): void
  /** Takes a line that is made when it is needed: many made together cost a third of as many made between calls. */
  later?(line: () => string): void
  flush?(): Promise<void>
  readonly isTTY?: boolean
}

/** `target` is standard error unless a test gives its own; `redaction`: what is taken out of the fields before they are a line. */
export function createLog(
  settings: Pick<LogSettings, 'level' | 'format'>,
  redact: Redact,
  clock: Clock,
  target: Target = standardError(clock),
  redaction?: Redaction,
): LogSink {
  const human = settings.format === 'human' || (settings.format === 'auto' && target.isTTY === true)
  const least = settings.level === 'silent' ? Number.POSITIVE_INFINITY : levels[settings.level]
  const enabled = (severity: LogSeverity): boolean => levels[severity] >= least
  const writer = human ? humanWriter : jsonWriter
  const write = writer(
    target,
    (text) => redact(withoutSecrets(text)),
    clock,
    (fields) => redaction?.said(fields) ?? fields,
  )
  const writeCall = writer(target, redact, clock, (fields) => redaction?.fields(fields) ?? fields)
  return {
    enabled,
    log: (severity, event, fields) => {
      if (enabled(severity)) write(severity, event, fields ?? {})
    },
    call: (severity, event, fields) => {
      if (enabled(severity)) writeCall(severity, event, fields ?? {})
    },
    flush: async () => target.flush?.(),
  }
}

/** The customary numbers, least severe first. */
const levels = { trace: 10, debug: 20, info: 30, warn: 40, error: 50 }

function standardError(clock: Clock): Target {
  return process.stderr.isTTY ? process.stderr : new LineWriter(2, clock)
}

type Fields = Readonly<Record<string, unknown>>
type Clean = (fields: Fields) => Fields
type Write = (severity: LogSeverity, event: string, fields: Fields) => void

function jsonWriter(target: Target, redact: Redact, clock: Clock, clean: Clean): Write {
  let at = 0
  let time = ''
  return (severity, event, fields) => {
    const now = clock.now()
    if (now !== at) {
      at = now
      time = new Date(now).toISOString()
    }
    const stamp = time
    const line = (): string => {
      const own = JSON.stringify(clean(fields))
      const more = own.length > 2 ? `${own.slice(1, -1)},` : ''
      return `${redact(`{"level":"${severity}","time":"${stamp}",${more}"event":${JSON.stringify(event)}}`)}\n`
    }
    if (target.later === undefined) target.write(line())
    else target.later(line)
  }
}

const colours = { debug: 'gray', info: 'cyan', warn: 'yellow', error: 'red' } as const

function humanWriter(target: Target, redact: Redact, clock: Clock, clean: Clean): Write {
  const paint = (colour: 'gray' | 'cyan' | 'yellow' | 'red', text: string): string =>
    target.isTTY === true ? styleText(colour, text) : text
  return (severity, event, fields) => {
    const time = new Date(clock.now()).toISOString().slice(11, 23)
    const rest = Object.entries(clean(fields))
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => `${key}=${typeof value === 'string' && !/[\s"=]/.test(value) ? value : JSON.stringify(value)}`)
      .join(' ')
    // What peers say stands in the fields, and JSON leaves C1 and the controls of direction as they are.
    const said = forTerminal(rest)
    target.write(
      redact(
        `${paint('gray', time)} ${paint(colours[severity], severity.padEnd(5))} ${onOneLine(event)}${said === '' ? '' : ` ${paint('gray', said)}`}\n`,
      ),
    )
  }
}
