import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { systemRandom } from '../random/system-random.ts'
import { createSealer, freshKey, loadKey } from './aes-sealer.ts'

const folder = mkdtempSync(join(tmpdir(), 'signalbox-key-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('a sealed token', () => {
  const sealer = createSealer(freshKey(), systemRandom)
  const plain = Buffer.from('{"who":"alice"}')

  it('opens to the very bytes, for its own purpose only', () => {
    const token = sealer.seal(plain, 'session')
    expect(token).toMatch(/^[\x21-\x7e]+$/)
    expect(Buffer.from(sealer.open(token, 'session') ?? [])).toEqual(plain)
    expect(sealer.open(token, 'state')).toBeUndefined()
  })

  it('is refused after any change of any character, and under another key', () => {
    const token = sealer.seal(plain, 'p')
    for (let i = 0; i < token.length; i += 1) {
      const other = token[i] === 'A' ? 'B' : 'A'
      expect(sealer.open(token.slice(0, i) + other + token.slice(i + 1), 'p')).toBeUndefined()
    }
    expect(sealer.open(`${token}=`, 'p')).toBeUndefined()
    expect(sealer.open('', 'p')).toBeUndefined()
    expect(createSealer(freshKey(), systemRandom).open(token, 'p')).toBeUndefined()
  })
})

describe('the key file', () => {
  it('is made once, private, and opens old tokens after a restart', () => {
    const path = join(folder, 'state', 'seal.key')
    const token = createSealer(loadKey(path), systemRandom).seal(Buffer.from('x'), 'p')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(createSealer(loadKey(path), systemRandom).open(token, 'p')).toBeDefined()
  })

  it('is refused where others may read it', () => {
    const path = join(folder, 'open.key')
    loadKey(path)
    chmodSync(path, 0o644)
    expect(() => loadKey(path)).toThrow(/chmod 600/)
  })
})
