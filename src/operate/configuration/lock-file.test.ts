import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { settingsSchema } from '../../assembly/settings.ts'
import { formatProblem } from '../../platform/config/index.ts'
import { openLock } from '../contracts/lock-store.ts'
import { readContracts } from '../contracts/read-contracts.ts'
import { loadLock } from './lock.ts'

const folder = mkdtempSync(join(tmpdir(), 'signalbox-lock-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What the gateway, a command, and a command that compares files say of the same file. */
async function saidOf(name: string): Promise<readonly string[]> {
  const path = join(folder, name)
  const loaded = loadLock(settingsSchema.parse({ versions: { lock: path } }), folder)
  const gateway = 'problems' in loaded ? loaded.problems.map(formatProblem).join('\n').replaceAll(path, name) : 'fine'
  const command = messageOf(() => openLock(path, folder))
  const options = { headers: {}, token: undefined, env: {}, allowScripts: false, signal: AbortSignal.timeout(5_000) }
  const source = { kind: 'file', path, label: name } as const
  const compared = await readContracts(source, { ...options, configuration: async () => undefined }).then(
    () => 'fine',
    (error: Error) => error.message,
  )
  return [gateway, command, compared]
}

function messageOf(act: () => unknown): string {
  try {
    act()
    return 'fine'
  } catch (error) {
    return (error as Error).message
  }
}

describe('a lock file', () => {
  it.each([
    ['good.json', '{"lockVersion": 1, "servers": {}}', /^fine$/],
    ['cut.json', '{"lockVersion": 1,\n', /^cut\.json:\d+:\d+: is no JSON .*; mend it here, or remove it and write it anew/],
    [
      'newer.json',
      '{"lockVersion": 7}',
      /^newer\.json:1:2 lockVersion: is 7; this program reads 1; use the newer Signalbox that wrote it$/,
    ],
  ])('is read alike by the gateway and by all commands: %s', async (name, text, says) => {
    writeFileSync(join(folder, name), text)
    const [gateway, command, compared] = await saidOf(name)
    expect(gateway).toMatch(says)
    expect([command, compared]).toEqual([gateway, gateway])
  })

  it('that is no file, or too large to be one, is read by nobody', async () => {
    mkdirSync(join(folder, 'folder.json'))
    const isFolder = 'folder.json: is a folder; give the path of a file'
    expect(await saidOf('folder.json')).toEqual([isFolder, isFolder, isFolder])
    writeFileSync(join(folder, 'large.json'), '{}')
    // Sparse: nobody could tell from its bytes.
    truncateSync(join(folder, 'large.json'), 67_108_865)
    const isLarge = 'large.json: is larger than 67108864 bytes; give another file'
    expect(await saidOf('large.json')).toEqual([isLarge, isLarge, isLarge])
  })

  it('may be absent', () => {
    expect(loadLock(settingsSchema.parse({}), folder)).toEqual({ lock: undefined })
    expect(openLock(join(folder, 'none.json'), folder)).toMatchObject({ exists: false })
  })
})
