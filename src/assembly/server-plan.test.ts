import { expect, it } from 'vitest'
import { emptyLock, type LockFile } from '../gateway/contracts/index.ts'
import { lockProblems, planOf } from './server-plan.ts'
import { settingsSchema } from './settings.ts'

const settings = (servers: object) => settingsSchema.parse({ servers })
const none = new Map<string, string>()

it('tells what each server needs: another exit only where its connection is concerned', () => {
  const before = settings({
    a: { command: 'a' },
    b: { command: 'b' },
    c: { command: 'c' },
    d: { command: 'd' },
    off: { command: 'x', enabled: false },
  })
  const after = settings({
    a: { command: 'a', owner: 'team', rate: '1/1s', concurrency: 2 },
    b: { command: 'b', args: ['more'], owner: 'team' },
    d: { command: 'd' },
    off: { command: 'x' },
    c: { command: 'c', enabled: false },
  })
  expect(planOf(before, after, none, none)).toEqual({ added: ['off'], removed: ['c'], replaced: ['b'], adjusted: ['a'] })
  expect(planOf(before, before, none, new Map([['d', 'misses something']])).replaced).toEqual(['d'])
})

it('takes other contracts of a lock file for servers that come or are replaced, and for no other', () => {
  const lock = (names: readonly string[]): LockFile => ({
    ...emptyLock,
    servers: new Map(names.map((name) => [name, { tools: new Map() }])) as unknown as LockFile['servers'],
  })
  const plan = { added: ['new'], removed: [], replaced: [], adjusted: [] }
  expect(lockProblems(lock(['a']), lock(['a', 'new']), plan)).toEqual([])
  expect(lockProblems(lock(['a']), lock(['new']), plan)).toEqual([expect.stringContaining('other contracts of a,')])
  expect(lockProblems(undefined, lock([]), plan)).toEqual([expect.stringContaining('needs a restart')])
  expect(lockProblems(undefined, undefined, plan)).toEqual([])
})
