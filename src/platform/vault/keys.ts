// Where the vault's keys come from: the configuration, or a file of the state folder, or nowhere, and then what they seal ends with the process.
import { join } from 'node:path'
import { freshKey, loadKey } from '../seal/aes-sealer.ts'
import type { VaultKeys } from './envelope.ts'

/** Base64 or hex of 32 bytes; undefined where it is neither. */
export function readVaultKey(text: string): Buffer | undefined {
  const trimmed = text.trim()
  if (/^[0-9a-f]{64}$/i.test(trimmed)) return Buffer.from(trimmed, 'hex')
  if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(trimmed)) return undefined
  return Buffer.from(trimmed.replaceAll('-', '+').replaceAll('_', '/'), 'base64')
}

/** `vault` of the configuration, whose texts were checked where it was read. */
export function vaultKeys(
  settings: { readonly key?: string | undefined; readonly previous: readonly string[] },
  stateDir: string | undefined,
): VaultKeys {
  const read = (text: string): Buffer => {
    const key = readVaultKey(text)
    if (key === undefined) throw new Error('A key of the vault is not 32 bytes in base64 or hex')
    return key
  }
  const own = settings.key === undefined ? (stateDir === undefined ? freshKey() : loadKey(join(stateDir, 'vault.key'))) : read(settings.key)
  return [own, ...settings.previous.map(read)]
}
