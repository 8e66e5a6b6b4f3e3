// Nonces for the proofs of callers (RFC 9449 §9): the time at which one was given, sealed. Nothing is kept of them, so every gateway of a vault
// takes those of every other, before and after a restart.
import type { Clock } from '../../core/ports/clock.ts'
import type { Vault, VaultPlace } from '../../core/ports/vault.ts'

export interface Nonces {
  fresh(): string
  /** How a nonce of a proof is: `ageing` is good, and its client had better have the next. */
  state(nonce: unknown): 'good' | 'ageing' | 'wrong'
}

/** How long one is good, from when on the next is given, and by how much clocks of gateways may differ, in ms. */
const goodMs = 300_000
const ageingMs = 150_000
const skewMs = 30_000

/** Longer ones are none of ours, in characters. */
const longest = 256

const place: VaultPlace = ['dpop_nonces', 'nonce']

export function createNonces(vault: Pick<Vault, 'seal' | 'open'>, clock: Clock): Nonces {
  return {
    fresh: () => {
      const plain = Buffer.alloc(8)
      plain.writeDoubleBE(clock.now())
      return Buffer.from(vault.seal(plain, place)).toString('base64url')
    },
    state: (nonce) => {
      if (typeof nonce !== 'string' || nonce.length > longest) return 'wrong'
      const opened = vault.open(Buffer.from(nonce, 'base64url'), place)
      if (opened === undefined) return 'wrong'
      const age = clock.now() - Buffer.from(opened).readDoubleBE()
      if (age < -skewMs || age >= goodMs) return 'wrong'
      return age < ageingMs ? 'good' : 'ageing'
    },
  }
}
