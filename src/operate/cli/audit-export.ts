// `signalbox audit export`: all rows that fit, the oldest first, for other tools. A page is read after the other, and written before the next is.
import { once } from 'node:events'
import { type AuditRow, allRows } from '../../observe/audit/index.ts'
import { csvLine } from '../looking-back/csv.ts'
import { ocsfEvent } from '../looking-back/ocsf.ts'
import { packageVersion } from '../package-root.ts'
import { shown } from './audit.ts'
import { type ExitCode, exit } from './exit.ts'
import { type FilterOptions, filterOf } from './narrowing.ts'
import { failed, usage } from './refusing.ts'
import { withAudit } from './with-audit.ts'

export interface ExportOptions extends FilterOptions {
  readonly format: string
}

export async function auditExport(options: ExportOptions): Promise<ExitCode> {
  const filter = filterOf(options)
  if (typeof filter === 'string') return usage(filter)
  const line = formats[options.format]
  if (line === undefined) return usage(`--format is one of ${Object.keys(formats).join(', ')}`)
  return withAudit(options, async (audit) => {
    if (options.format === 'csv') await write(`${csvLine(columns.map(([name]) => name))}\n`)
    for await (const page of allRows(audit, filter)) {
      if (!page.ok) return failed(page.fault.message)
      if (page.value.length > 0) await write(page.value.map((row) => `${line(row)}\n`).join(''))
    }
    return exit.ok
  })
}

async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain')
}

const columns: readonly (readonly [name: string, of: (row: AuditRow) => unknown])[] = [
  ['at', ({ at }) => new Date(at).toISOString()],
  ...(
    ['chain', 'seq', 'about', 'id', 'tenant', 'issuer', 'subject', 'clientId', 'via', 'credential', 'client', 'clientVersion'] as const
  ).map(plain),
  ...(['transport', 'revision', 'mount', 'run', 'turn', 'team', 'why', 'trace', 'method', 'upstream', 'item', 'version'] as const).map(
    plain,
  ),
  ...(['contract', 'readOnly', 'decision', 'rule', 'lease', 'outcome'] as const).map(plain),
  ['fault', ({ fault }) => fault?.kind],
  ['category', ({ fault }) => fault?.category],
  ['sideEffect', ({ fault }) => fault?.sideEffect],
  ['message', ({ fault }) => fault?.message],
  plain('termination'),
  ['arguments', (row) => (row.arguments === null ? undefined : JSON.stringify(row.arguments))],
  ['resultBytes', ({ result }) => result?.bytes],
  ['resultRows', ({ result }) => result?.rows],
  ['tokensSent', (row) => row.usage?.sent],
  ['tokensGot', (row) => row.usage?.got],
  ['cost', (row) => row.usage?.cost],
  ...(['attempts', 'ms', 'found'] as const).map(plain),
  ['suspect', ({ suspect }) => suspect?.join(' ')],
  ['masked', ({ masked }) => (masked === null ? undefined : JSON.stringify(masked))],
  ...(['reason', 'prev', 'hash'] as const).map(plain),
]

function plain(name: keyof AuditRow): readonly [string, (row: AuditRow) => unknown] {
  return [name, (row) => row[name]]
}

const formats: Readonly<Record<string, (row: AuditRow) => string>> = {
  jsonl: (row) => JSON.stringify(shown(row)),
  csv: (row) => csvLine(columns.map(([, of]) => cellOf(of(row)))),
  ocsf: (row) => JSON.stringify(ocsfEvent(row, packageVersion())),
}

function cellOf(value: unknown): string | number {
  return typeof value === 'number' ? value : value === null || value === undefined ? '' : String(value)
}
