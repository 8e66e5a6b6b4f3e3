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
  const least = settings.level === 'silent' ? Number.POSITIVE_INFINITY : levels[settings.level]
  const enabled = (severity: LogSeverity): boolean => levels[severity] >= least
  const write = human ? humanWriter(target, redact, clock) : jsonWriter(target, redact, clock)
  return {
    enabled,
    log: (severity, event, fields) => {
      if (enabled(severity)) write(severity, event, fields ?? {})
    },
    flush: () => target.flushSync?.(),
  }
}

/** The numbers that pino made customary. */
const levels = { trace: 10, debug: 20, info: 30, warn: 40, error: 50 }

function standardError(): Target {
  if (process.stderr.isTTY) return process.stderr
  return pino.destination({ fd: 2, sync: false, minLength: 65_536, maxWrite: 131_072, periodicFlush: 200 })
}

type Write = (severity: LogSeverity, event: string, fields: Readonly<Record<string, unknown>>) => void

function jsonWriter(target: Target, redact: Redact, clock: Clock): Write {
  return (severity, event, fields) => {
    const time = new Date(clock.now()).toISOString()
    target.write(`${redact(JSON.stringify({ level: severity, time, ...fields, event }))}\n`)
  }
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
