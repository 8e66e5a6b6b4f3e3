// The table of the rows: what was injected, what came of it, and whether the promise was kept, judged alike for the gateway and for what is
// held beside it. `npm run chaos` prints what is told here.
import { appendFileSync } from 'node:fs'
import { faultOf, type RawAnswer, textOf } from './raw-client.ts'

export type Verdict = 'kept' | 'hung' | 'executed twice' | 'silent' | 'another fault' | 'bricked'

export interface Cell {
  readonly id: string
  readonly fault: string
  /** Of the client and of the server. */
  readonly era: string
  /** Terminal answers to the request, the fewest of its requests; 1 is right. */
  readonly answers: number
  /** Executions counted at the server, and how many are allowed. */
  readonly executions: number
  readonly allowed: number
  /** Neither told as a fault nor right. */
  readonly silent: boolean
  readonly category: string
  readonly kind: string
  /** The kinds that it may be; '' is success. */
  readonly wanted: readonly string[]
  /** Until the next good answer after the fault was over; undefined: none came in `withinMs`, null: not looked at. */
  readonly recoveryMs: number | undefined | null
  readonly withinMs: number
}

/** A gateway at the end of a suite, beside what it was once it served. */
export interface Baseline {
  readonly suite: string
  readonly before: Vitals
  readonly after: Vitals
}

export interface Vitals {
  readonly files: number
  readonly children: number
  readonly timers: number
  readonly heapBytes: number
}

export function verdictOf(cell: Cell): Verdict {
  if (cell.answers !== 1) return 'hung'
  if (cell.executions > cell.allowed) return 'executed twice'
  if (cell.silent) return 'silent'
  if (!cell.wanted.includes(cell.kind)) return 'another fault'
  return cell.recoveryMs === undefined ? 'bricked' : 'kept'
}

export interface Met {
  readonly id: string
  readonly fault: string
  readonly era: string
  readonly answer: RawAnswer
  /** The text of a success. */
  readonly text: string
  readonly executions: number
  readonly allowed?: number
  readonly wanted?: string | readonly string[]
  readonly recoveryMs?: number | undefined | null
  readonly withinMs?: number
}

export function cellOf(met: Met): Cell {
  const { id, fault, era, answer, text, executions, allowed = 1, wanted = '', recoveryMs = null, withinMs = 8_000 } = met
  const seen = faultOf(answer)
  return {
    id,
    fault,
    era,
    answers: answer.answers.length,
    executions,
    allowed,
    silent: seen === undefined && textOf(answer) !== text,
    category: seen?.category ?? '',
    kind: seen?.kind ?? '',
    wanted: typeof wanted === 'string' ? [wanted] : wanted,
    recoveryMs: 'recoveryMs' in met ? met.recoveryMs : recoveryMs,
    withinMs,
  }
}

/** A row without a call of a tool: what was shown of it, and that nothing was executed. Told once it was shown. */
export function shown(id: string, fault: string, era: string, more: Partial<Cell> = {}): void {
  const nothing = { answers: 1, executions: 0, allowed: 0, silent: false, category: '', kind: '', wanted: [more.kind ?? ''] }
  tell({ id, fault, era, ...nothing, recoveryMs: null, withinMs: 0, ...more })
}

export function tell(row: Cell | Baseline): void {
  const file = process.env.CHAOS_TABLE
  if (file !== undefined) appendFileSync(file, `${JSON.stringify('id' in row ? { ...row, verdict: verdictOf(row) } : row)}\n`)
}
