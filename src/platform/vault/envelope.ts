// Envelope encryption: every value has a key of its own, which is wrapped with the vault's key. A change of the vault's key wraps the small
// keys anew and touches no value. AES-256-GCM for both; the place of the value is authenticated with each.
import { createCipheriv, createDecipheriv, createHash } from 'node:crypto'
import type { Random } from '../../core/ports/clock.ts'
import type { Vault, VaultPlace } from '../../core/ports/vault.ts'

const ivBytes = 12
const tagBytes = 16
const keyBytes = 32
const idBytes = 8
const version = 1
const wrappedBytes = ivBytes + keyBytes + tagBytes
const headBytes = 1 + idBytes + wrappedBytes

/** The keys of a vault, 32 bytes each: the first seals, all open. */
export type VaultKeys = readonly [current: Uint8Array, ...previous: Uint8Array[]]

/** Layout: version 1 | id of the vault's key 8 | wrapped key 60 | iv 12 | ciphertext | tag 16. */
export function createVault(keys: VaultKeys, random: Random): Vault {
  const known = new Map(keys.map((key) => [idOf(key).toString('hex'), key]))
  const current = keys[0]

  const wrap = (own: Uint8Array, place: Buffer): Buffer =>
    Buffer.concat([Buffer.of(version), idOf(current), encrypt(own, current, place, random)])

  const unwrap = (sealed: Uint8Array, place: Buffer): Buffer | undefined => {
    if (sealed.length < headBytes + ivBytes + tagBytes || sealed[0] !== version) return undefined
    const key = known.get(Buffer.from(sealed.subarray(1, 1 + idBytes)).toString('hex'))
    return key === undefined ? undefined : decrypt(sealed.subarray(1 + idBytes, headBytes), key, place)
  }

  return {
    seal: (plain, at) => {
      const place = bytesOf(at)
      const own = random.bytes(keyBytes)
      return Buffer.concat([wrap(own, place), encrypt(plain, own, place, random)])
    },
    open: (sealed, at) => {
      const place = bytesOf(at)
      const own = unwrap(sealed, place)
      return own === undefined ? undefined : decrypt(sealed.subarray(headBytes), own, place)
    },
    rewrap: (sealed, at) => {
      const place = bytesOf(at)
      if (idOf(current).equals(sealed.subarray(1, 1 + idBytes))) return undefined
      const own = unwrap(sealed, place)
      return own === undefined ? undefined : Buffer.concat([wrap(own, place), sealed.subarray(headBytes)])
    },
  }
}

function idOf(key: Uint8Array): Buffer {
  return createHash('sha256').update('signalbox vault key').update(key).digest().subarray(0, idBytes)
}

/** JSON, since a separator could stand in any of the parts. */
function bytesOf(place: VaultPlace): Buffer {
  return Buffer.from(JSON.stringify(place))
}

function encrypt(plain: Uint8Array, key: Uint8Array, place: Buffer, random: Random): Buffer {
  const iv = random.bytes(ivBytes)
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(place)
  return Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

function decrypt(sealed: Uint8Array, key: Uint8Array, place: Buffer): Buffer | undefined {
  const end = sealed.length - tagBytes
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, ivBytes), { authTagLength: tagBytes })
  decipher.setAAD(place).setAuthTag(sealed.subarray(end))
  try {
    return Buffer.concat([decipher.update(sealed.subarray(ivBytes, end)), decipher.final()])
  } catch {
    return undefined
  }
}
