// What a row is found by, and what it adds to the sums: read from its line by the thread that keeps the rows.
import type { Indexed } from '../../core/ports/audit-store.ts'

/** Places are those of `row.ts`. Stands by itself, with no name from outside its body: the thread is given its text. */
export function indexRow(line: string): Indexed {
  const none: Indexed = { keys: [], sums: undefined }
  let row: unknown
  try {
    row = JSON.parse(line)
  } catch {
    return none
  }
  if (!Array.isArray(row) || row[0] !== 1) return none
  const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
  const text = (value: unknown): string => (typeof value === 'string' ? value : '')
  const whole = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) ? Math.round(value) : 0)
  const [, about, at, id, caller, client, run, , target, allowed] = row
  const [tenant, issuer, subject] = list(caller)
  const [runId, , , team] = list(run)
  const [, upstream, item] = list(target)
  const [faultKind] = list(row[14])
  const keys: string[] = [`about:${text(about)}`]
  // A call is found by the time in its id; those of gateways before that made such ids have none in it.
  if (text(id) !== '' && (about !== 'call' || text(id)[14] !== '7')) keys.push(`id:${id}`)
  if (text(runId) !== '') keys.push(`run:${runId}`)
  if (text(subject) !== '') keys.push(`subject:${subject}`)
  if (text(upstream) !== '') keys.push(`server:${upstream}`)
  if (text(item) !== '') keys.push(`tool:${text(upstream)}/${item}`)
  if (text(faultKind) !== '') keys.push(`fault:${faultKind}`)
  if (text(team) !== '') keys.push(`team:${team}`)
  if (allowed === 0) keys.push('denied')
  if (row[27] !== null) keys.push('masked')
  if (row[26] !== null) keys.push('suspect')
  if (about !== 'call') return { keys, sums: undefined }
  const [sent, got, cost] = list(row[18])
  const [bytesOut] = list(row[17])
  return {
    keys,
    sums: {
      atMs: whole(at),
      team: text(team),
      tenant: text(tenant),
      issuer: text(issuer),
      subject: text(subject),
      client: text(list(client)[0]),
      run: text(runId),
      upstream: text(upstream),
      item: text(item),
      fault: text(faultKind),
      faults: text(faultKind) === '' && row[13] !== 'tool_error' ? 0 : 1,
      denied: allowed === 0 ? 1 : 0,
      suspects: row[26] === null ? 0 : 1,
      attempts: whole(row[19]),
      tokensSent: whole(sent),
      tokensGot: whole(got),
      costNano: whole(typeof cost === 'number' ? cost * 1e9 : 0),
      us: whole(typeof row[21] === 'number' ? row[21] * 1_000 : 0),
      bytesIn: whole(row[29]),
      bytesOut: whole(bytesOut),
    },
  }
}
