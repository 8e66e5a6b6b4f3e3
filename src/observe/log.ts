// The log: JSON lines for machines, a short form on a terminal. Always on standard error, buffered, flushed at exit; what it writes has
// passed the redactor.
import { styleText } from 'node:util'
import pino from 'pino'
import type { Clock } from '../core/ports/clock.ts'
import type { Log, LogSeverity } from '../core/ports/report.ts'
import type { Redact } from './redact.ts'
import type { LogSettings } from './settings.ts'

export interface LogSink {
  readonly log: Log
  /** False where the severity is not written: saves building the fields. */
  enabled(severity: LogSeverity): boolean
  flush(): void
}

interface Target {
  write(line: string): void
  flushSync?(): void
  readonly isTTY?: boolean
}

/** `target` is standard error unless a test gives its own. */
export function createLog(settings: LogSettings, redact: Redact, clock: Clock, target: Target = standardError()): LogSink {
  const human = settings.format === 'human' || (settings.format === 'auto' && target.isTTY === true)
  const levels = pino.levels.values
  const least = settings.level === 'silent' ? Number.POSITIVE_INFINITY : (levels[settings.level] ?? 30)
  const enabled = (severity: LogSeverity): boolean => (levels[severity] ?? 0) >= least
  const write = human ? humanWriter(target, redact, clock) : jsonWriter(target, redact, settings.level)
  return {
    enabled,
    log: (severity, event, fields) => {
      if (enabled(severity)) write(severity, event, fields ?? {})
    },
    flush: () => target.flushSync?.(),
  }
}

function standardError(): Target {
  if (process.stderr.isTTY) return process.stderr
  return pino.destination({ fd: 2, sync: false, minLength: 65_536, maxWrite: 131_072, periodicFlush: 200 })
}

type Write = (severity: LogSeverity, event: string, fields: Readonly<Record<string, unknown>>) => void

function jsonWriter(target: Target, redact: Redact, level: string): Write {
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      messageKey: 'event',
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => target.write(redact(line)) },
  )
  return (severity, event, fields) => logger[severity](fields, event)
}

const colours = { debug: 'gray', info: 'cyan', warn: 'yellow', error: 'red' } as const

function humanWriter(target: Target, redact: Redact, clock: Clock): Write {
  const paint = (colour: 'gray' | 'cyan' | 'yellow' | 'red', text: string): string =>
    target.isTTY === true ? styleText(colour, text) : text
  return (severity, event, fields) => {
    const time = new Date(clock.now()).toISOString().slice(11, 23)
    const rest = Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => `${key}=${typeof value === 'string' && !/[\s"=]/.test(value) ? value : JSON.stringify(value)}`)
      .join(' ')
    target.write(
      redact(
        `${paint('gray', time)} ${paint(colours[severity], severity.padEnd(5))} ${event}${rest === '' ? '' : ` ${paint('gray', rest)}`}\n`,
      ),
    )
  }
}
