import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createFileCatalogStore } from './catalog-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'signalbox-catalog-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('the catalogue on disk', () => {
  it('gives back the last that was saved under a hash, byte for byte, and nothing for another', async () => {
    const store = createFileCatalogStore(join(folder, 'new'))
    expect(await store.load('a1')).toBeUndefined()
    await store.save('a1', Buffer.from('first'))
    await store.save('a1', Buffer.from('second'))
    expect(Buffer.from((await store.load('a1')) ?? []).toString()).toBe('second')
    expect(await store.load('b2')).toBeUndefined()
  })

  it('leaves one private file per hash, and never writes outside its folder', async () => {
    const store = createFileCatalogStore(join(folder, 'other'))
    await store.save('../../evil', Buffer.from('x'))
    expect(readdirSync(join(folder, 'other'))).toHaveLength(1)
    expect(statSync(join(folder, 'other', readdirSync(join(folder, 'other'))[0] as string)).mode & 0o077).toBe(0)
  })
})
