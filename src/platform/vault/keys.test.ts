import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { systemRandom } from '../random/system-random.ts'
import { createVault } from './envelope.ts'
import { vaultKeys } from './keys.ts'

const folder = mkdtempSync(join(tmpdir(), 'signalbox-vault-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('reads vault.key and vault.previous in base64, base64url and hex', () => {
  const [a, b, c] = [1, 250, 251].map((fill) => Buffer.alloc(32, fill)) as [Buffer, Buffer, Buffer]
  const settings = { key: `${a.toString('base64')}\n`, previous: [b.toString('base64url'), c.toString('hex')] }
  expect(vaultKeys(settings, undefined)).toEqual([a, b, c])
})

it('makes a key of its own in the state folder, which nobody else may read, and finds it again', () => {
  const first = createVault(vaultKeys({ previous: [] }, folder), systemRandom)
  const sealed = first.seal(Buffer.from('secret'), ['table', 'column', 'key'])
  const second = createVault(vaultKeys({ previous: [] }, folder), systemRandom)
  expect(Buffer.from(second.open(sealed, ['table', 'column', 'key']) ?? []).toString()).toBe('secret')
  expect(statSync(join(folder, 'vault.key')).mode & 0o777).toBe(0o600)
})
