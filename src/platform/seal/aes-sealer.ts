// AES-256-GCM sealing with a key that outlives restarts: from a 0600 file in the state folder, or fresh where there is none (dev).
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { chmodSync, linkSync, mkdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Sealer } from '../../core/call/seal.ts'
import type { Random } from '../../core/ports/clock.ts'

const ivBytes = 12
const tagBytes = 16
const keyBytes = 32

/** Token: `s1.` + base64url(key id 1 | iv 12 | ciphertext | tag 16); the purpose is additional authenticated data. */
export function createSealer(key: Uint8Array, random: Random): Sealer {
  const keyId = createHash('sha256').update(key).digest()[0] as number
  return {
    seal(plain, purpose) {
      const iv = random.bytes(ivBytes)
      const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(purpose))
      const body = cipher.update(plain)
      cipher.final()
      return `s1.${Buffer.concat([Buffer.from([keyId]), iv, body, cipher.getAuthTag()]).toString('base64url')}`
    },
    open(token, purpose) {
      if (!token.startsWith('s1.')) return undefined
      const all = Buffer.from(token.slice(3), 'base64url')
      if (all.length < 1 + ivBytes + tagBytes || all[0] !== keyId) return undefined
      // Node decodes base64url leniently; another spelling of the same bytes is an alteration too.
      if (all.toString('base64url') !== token.slice(3)) return undefined
      const decipher = createDecipheriv('aes-256-gcm', key, all.subarray(1, 1 + ivBytes), { authTagLength: tagBytes })
      decipher.setAAD(Buffer.from(purpose)).setAuthTag(all.subarray(all.length - tagBytes))
      try {
        return Buffer.concat([decipher.update(all.subarray(1 + ivBytes, all.length - tagBytes)), decipher.final()])
      } catch {
        return undefined
      }
    },
  }
}

/** Reads the key at `path`, or makes it (mode 0600) on first use. Refuses a file that others may read. */
export function loadKey(path: string): Buffer {
  try {
    const key = readFileSync(path)
    if ((statSync(path).mode & 0o077) !== 0) throw new Error(`${path}: the sealing key may be read by others; run chmod 600 on it`)
    if (key.length !== keyBytes)
      throw new Error(
        `${path}: the sealing key has ${key.length} bytes, not ${keyBytes}; restore it, or remove the file to make a new one (open sessions end)`,
      )
    return key
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const key = randomBytes(keyBytes)
  const unfinished = `${path}.${randomBytes(6).toString('hex')}`
  writeFileSync(unfinished, key, { mode: 0o600, flag: 'wx' })
  try {
    chmodSync(unfinished, 0o600)
    // Whole at once, so that nobody who starts at the same time reads a part of it; the first one's counts.
    linkSync(unfinished, path)
    return key
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return readFileSync(path)
  } finally {
    unlinkSync(unfinished)
  }
}

/** A key for this process alone. */
export function freshKey(): Buffer {
  return randomBytes(keyBytes)
}
