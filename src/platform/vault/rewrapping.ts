// Brings what the store keeps of secrets under the current key of the vault, page by page while the gateway runs: the small keys are wrapped
// anew, the values themselves are not touched. Whoever writes a row meanwhile wins.
import type { Cell, Domain, Durable, Row, SealedColumn, Stored } from '../../core/ports/durable.ts'
import type { Vault, VaultPlace } from '../../core/ports/vault.ts'

export interface Rewrapped {
  /** Values that are under the current key now and were not before. */
  readonly rewrapped: number
  /** Values that no key of the vault opens. */
  readonly lost: number
}

/** Rows of one transaction: others wait for it. */
const pageRows = 100

export async function rewrapAll(durable: Durable, vault: Vault, domains: readonly Domain[]): Promise<Stored<Rewrapped>> {
  let rewrapped = 0
  let lost = 0
  for (const sealed of domains.flatMap((domain) => domain.sealed ?? [])) {
    let after: readonly Cell[] | undefined
    do {
      const page = await readPage(durable, sealed, after)
      if (!page.ok) return page
      const changes: Cell[][] = []
      for (const row of page.value) {
        const place: VaultPlace = [sealed.table, sealed.column, ...sealed.key.map((name) => String(row[name]))]
        const old = row[sealed.column] as Uint8Array
        const anew = vault.rewrap(old, place)
        if (anew !== undefined) changes.push([anew, ...keyOf(row, sealed), old])
        else if (vault.open(old, place) === undefined) lost += 1
      }
      const written = await writePage(durable, sealed, changes)
      if (!written.ok) return written
      rewrapped += written.value
      const last = page.value.at(-1)
      after = page.value.length < pageRows || last === undefined ? undefined : keyOf(last, sealed)
    } while (after !== undefined)
  }
  return { ok: true, value: { rewrapped, lost } }
}

function readPage(
  durable: Durable,
  { table, column, key }: SealedColumn,
  after: readonly Cell[] | undefined,
): Promise<Stored<readonly Row[]>> {
  const keys = key.join(', ')
  const from = after === undefined ? '' : ` AND (${keys}) > (${key.map(() => '?').join(', ')})`
  const sql = `SELECT ${keys}, ${column} FROM ${table} WHERE ${column} IS NOT NULL${from} ORDER BY ${keys} LIMIT ${pageRows}`
  return durable.read((reader) => reader.all(sql, after ?? []))
}

/** Only where the value is still the one that was read. */
function writePage(durable: Durable, { table, column, key }: SealedColumn, changes: readonly (readonly Cell[])[]): Promise<Stored<number>> {
  if (changes.length === 0) return Promise.resolve({ ok: true, value: 0 })
  const sql = `UPDATE ${table} SET ${column} = ? WHERE ${key.map((name) => `${name} = ?`).join(' AND ')} AND ${column} = ?`
  return durable.transact((transaction) => transaction.runEach(sql, changes))
}

function keyOf(row: Row, { key }: SealedColumn): Cell[] {
  return key.map((name) => String(row[name]))
}
