// Encryption of what the durable store keeps of secrets: tokens, keys, the payload of codes. Whoever reads the store reads none of it.

/** What names a value: table, column and the primary key of its row. The same bytes at another place do not open. */
export type VaultPlace = readonly [table: string, column: string, ...key: string[]]

export interface Vault {
  seal(plain: Uint8Array, place: VaultPlace): Uint8Array
  /** Undefined where it was altered, belongs elsewhere, or its key is not here. */
  open(sealed: Uint8Array, place: VaultPlace): Uint8Array | undefined
  /** The same secret under the current key, without being decrypted itself; undefined where it is under that key already, or cannot be opened. */
  rewrap(sealed: Uint8Array, place: VaultPlace): Uint8Array | undefined
}
