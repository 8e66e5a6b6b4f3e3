import { expect, it } from 'vitest'
import type { VaultPlace } from '../../core/ports/vault.ts'
import { systemRandom } from '../random/system-random.ts'
import { createVault } from './envelope.ts'

const key = (fill: number): Buffer => Buffer.alloc(32, fill)
const alices: VaultPlace = ['upstream_grant', 'access_token', 'default', 'tracker', 'alice']
const bobs: VaultPlace = ['upstream_grant', 'access_token', 'default', 'tracker', 'bob']
const secret = Buffer.from('an access token')

it('opens what it sealed, and holds no trace of it in the sealed bytes', () => {
  const vault = createVault([key(1)], systemRandom)
  const sealed = vault.seal(secret, alices)
  expect(Buffer.from(vault.open(sealed, alices) ?? [])).toEqual(secret)
  expect(Buffer.from(sealed).includes(secret)).toBe(false)
  expect(Buffer.from(vault.seal(secret, alices)).equals(sealed)).toBe(false)
})

it('does not open a value that was moved to the row of another user (U9A)', () => {
  const vault = createVault([key(1)], systemRandom)
  expect(vault.open(vault.seal(secret, alices), bobs)).toBeUndefined()
})

it('does not open what was altered, cut, or made with another key', () => {
  const vault = createVault([key(1)], systemRandom)
  const sealed = vault.seal(secret, alices)
  for (let at = 0; at < sealed.length; at += 1) {
    const altered = Buffer.from(sealed)
    altered[at] = (altered[at] as number) ^ 1
    expect(vault.open(altered, alices)).toBeUndefined()
    expect(vault.open(sealed.subarray(0, at), alices)).toBeUndefined()
  }
  expect(createVault([key(2)], systemRandom).open(sealed, alices)).toBeUndefined()
  expect(vault.open(new Uint8Array(), alices)).toBeUndefined()
})

it('goes on with a new key: old values open, and are wrapped anew one by one until the old key can go (U10)', () => {
  const sealed = createVault([key(1)], systemRandom).seal(secret, alices)
  const both = createVault([key(2), key(1)], systemRandom)
  expect(Buffer.from(both.open(sealed, alices) ?? [])).toEqual(secret)
  const anew = both.rewrap(sealed, alices)
  expect(anew).toBeDefined()
  expect(both.rewrap(anew as Uint8Array, alices)).toBeUndefined()
  expect(both.rewrap(sealed, bobs)).toBeUndefined()
  const alone = createVault([key(2)], systemRandom)
  expect(Buffer.from(alone.open(anew as Uint8Array, alices) ?? [])).toEqual(secret)
  expect(alone.open(sealed, alices)).toBeUndefined()
})
