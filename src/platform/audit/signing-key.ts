// The key that signs anchors and checkpoints of the audit: a file of its own beside the store, which whoever reads the store does not need.
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, hkdfSync, type KeyObject, sign, verify } from 'node:crypto'
import { linkSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import type { AuditSigner } from '../../core/ports/audit-signer.ts'

export interface AuditVerifier {
  readonly id: string
  verify(text: string, signature: string): boolean
}

/** Reads the private key (PEM, PKCS #8, Ed25519) at `path`, or makes it (mode 0600) on first use. Refuses a file that others may read. */
export function loadAuditSigner(path: string): AuditSigner {
  const key = readKey(path) ?? madeKey(path)
  return signerOf(key)
}

/** `pem`: a private key. Throws where it is none of Ed25519. */
export function auditSigner(pem: string): AuditSigner {
  return signerOf(createPrivateKey(pem))
}

/** The key that follows from a secret of all gateways which share a store. */
export function auditSignerFrom(secret: Uint8Array): AuditSigner {
  return signerOf(derivedKey(secret))
}

export function auditVerifierFrom(secret: Uint8Array): AuditVerifier | undefined {
  return auditVerifier(derivedKey(secret).export({ type: 'pkcs8', format: 'pem' }).toString())
}

/** RFC 8410 §7: what stands before the 32 bytes of a private key of Ed25519 in PKCS #8. */
const beforeSeed = Buffer.from('302e020100300506032b657004220420', 'hex')

function derivedKey(secret: Uint8Array): KeyObject {
  const seed = Buffer.from(hkdfSync('sha256', secret, '', 'signalbox audit key', 32))
  return createPrivateKey({ key: Buffer.concat([beforeSeed, seed]), format: 'der', type: 'pkcs8' })
}

/** `pem`: a public key, or a private one, whose public half is taken. Undefined where it is none of Ed25519. */
export function auditVerifier(pem: string): AuditVerifier | undefined {
  try {
    const key = createPublicKey(pem)
    if (key.asymmetricKeyType !== 'ed25519') return undefined
    return {
      id: idOf(key),
      verify: (text, signature) => verify(null, Buffer.from(text), key, Buffer.from(signature, 'base64url')),
    }
  } catch {
    return undefined
  }
}

function signerOf(key: KeyObject): AuditSigner {
  if (key.asymmetricKeyType !== 'ed25519') throw new Error('The key of the audit is not an Ed25519 key')
  return { id: idOf(createPublicKey(key)), sign: (text) => sign(null, Buffer.from(text), key).toString('base64url') }
}

function idOf(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, 16)
}

function readKey(path: string): KeyObject | undefined {
  try {
    const pem = readFileSync(path, 'utf8')
    if ((statSync(path).mode & 0o077) !== 0) throw new Error(`${path}: the key of the audit may be read by others; run chmod 600 on it`)
    return createPrivateKey(pem)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Of two gateways that make it at once, one wins. */
function madeKey(path: string): KeyObject {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const own = `${path}.${process.pid}`
  writeFileSync(own, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
  try {
    linkSync(own, path)
    writeFileSync(`${path}.pub`, publicKey.export({ type: 'spki', format: 'pem' }), { mode: 0o600 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    unlinkSync(own)
  }
  const key = readKey(path)
  if (key === undefined) throw new Error(`${path}: the key of the audit was removed while it was made`)
  return key
}
