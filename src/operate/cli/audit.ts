// `signalbox audit query` and `audit verify`: reads the audit where a gateway keeps it, whether it runs or not.
import { readFileSync } from 'node:fs'
import { forTerminal, jsonForTerminal } from '../../core/text/terminal.ts'
import { type Anchor, type AuditRow, type AuditVerdict, anchorsIn, auditRows, verifyAudit } from '../../observe/audit/index.ts'
import { auditVerifier } from '../../platform/audit/signing-key.ts'
import { styleFor, table } from '../text.ts'
import { type ExitCode, exit } from './exit.ts'
import { type AuditOptions, type FilterOptions, filterOf } from './narrowing.ts'
import { failed, usage } from './refusing.ts'
import { withAudit } from './with-audit.ts'

export interface QueryOptions extends FilterOptions {
  readonly most: string
}

export async function auditQuery(options: QueryOptions): Promise<ExitCode> {
  const filter = filterOf(options)
  if (typeof filter === 'string') return usage(filter)
  const most = Number(options.most)
  if (!Number.isInteger(most) || most < 1 || most > 1_000_000) return usage('--most is no number from 1 to 1000000')
  return withAudit(options, async (audit) => {
    const found = await auditRows(audit, filter, { order: 'newest', most })
    if (!found.ok) return failed(found.fault.message)
    const rows = [...found.value.rows].sort((a, b) => a.at - b.at || a.seq - b.seq)
    if (options.json === true) for (const row of rows) process.stdout.write(`${jsonForTerminal(JSON.stringify(shown(row)))}\n`)
    else process.stdout.write(`${rows.length === 0 ? 'No such row.' : rowsTable(rows)}\n`)
    return exit.ok
  })
}

export interface VerifyOptions extends AuditOptions {
  readonly anchors?: string
  readonly key?: string
}

export async function auditVerify(options: VerifyOptions): Promise<ExitCode> {
  let anchors: readonly Anchor[] | undefined
  let key: ReturnType<typeof auditVerifier>
  try {
    anchors = options.anchors === undefined ? undefined : anchorsIn(readFileSync(options.anchors, 'utf8'))
    if (options.key !== undefined) {
      key = auditVerifier(readFileSync(options.key, 'utf8'))
      if (key === undefined) return usage(`${options.key} has no Ed25519 key in PEM`)
    }
  } catch (error) {
    return usage(forTerminal(String(error)))
  }
  if (anchors?.length === 0) return usage(`${options.anchors} has no anchors`)
  return withAudit(options, async (audit) => {
    const found = await verifyAudit(audit, { anchors, verifier: key ?? audit.verifier })
    if (!found.ok) return failed(found.fault.message)
    if (options.json === true) process.stdout.write(`${JSON.stringify(found.value)}\n`)
    else process.stdout.write(verdictText(found.value))
    return found.value.verdict === 'whole' ? exit.ok : exit.failed
  })
}

function verdictText({ verdict, chains, broken, anchors, unchecked }: AuditVerdict): string {
  const style = styleFor(process.stdout)
  const rows = chains.map(({ chain, first, rows: count, hash, ended }) => {
    const is = broken.some((one) => one.chain === chain) ? 'BROKEN' : 'whole'
    return [chain, `${first}`, `${count}`, hash.slice(0, 16), is, ended ? 'ended' : 'open, or killed']
  })
  const told = [
    table([['chain', 'first row', 'rows', 'last hash', '', ''], ...rows]),
    ...broken.map(({ chain, seq, why }) => style.bad(chain === '' ? why : `${chain}, row ${seq}: ${why}`)),
    verdict === 'whole'
      ? style.good(`No row was changed, taken out or put in${anchors > 0 ? `; ${anchors} anchors agree` : ''}.`)
      : style.bad(`The audit is broken in ${broken.length} ${broken.length === 1 ? 'place' : 'places'}.`),
    ...unchecked.map((one) => style.dim(one)),
  ]
  return `${told.join('\n')}\n`
}

export function shown({ at, ...row }: AuditRow): Record<string, unknown> {
  return { at: new Date(at).toISOString(), ...row }
}

function rowsTable(rows: readonly AuditRow[]): string {
  const style = styleFor(process.stdout)
  const cells = rows.map((row) => [
    new Date(row.at).toISOString(),
    row.decision === 'none' ? '' : row.decision === 'allowed' ? 'allowed' : 'DENIED',
    row.about,
    row.subject ?? '',
    row.clientId ?? row.client ?? '',
    row.upstream === null ? (row.method ?? '') : `${row.upstream}/${row.item ?? ''}`,
    row.rule,
    row.credential,
    contractText(row),
    row.outcome ?? '',
    row.ms === null ? '' : `${row.ms} ms`,
    wordsOf(row),
  ])
  const head = ['at', '', 'about', 'subject', 'client', 'what', 'rule', 'credential', 'contract', 'outcome', 'time', '']
  return table([head, ...cells], (cell, row, column) =>
    row === 0 ? style.dim(cell) : column === 1 && cell.trim() === 'DENIED' ? style.bad(cell) : cell,
  )
}

function wordsOf({ fault, reason, suspect, masked, why }: AuditRow): string {
  const parts = [
    ...(fault === null ? [] : [`${fault.kind}: ${fault.message}`]),
    ...(reason === null || fault !== null ? [] : [reason]),
    ...(suspect === null ? [] : [`suspect: ${suspect.join(' ')}`]),
    ...(masked === null
      ? []
      : [
          `masked: ${Object.entries(masked)
            .map(([rule, count]) => `${rule} ${count}`)
            .join(', ')}`,
        ]),
    ...(why === null ? [] : [`why: ${why}`]),
  ]
  return parts.join('; ')
}

/** The version, and as much of the digest as tells contracts of one tool apart; `--json` has all of it. */
function contractText({ version, contract }: AuditRow): string {
  return `${version === null ? '' : `v${version} `}${contract?.slice(0, 15) ?? ''}`.trim()
}
