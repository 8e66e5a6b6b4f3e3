// The lock file of a configuration, where there is one: read with the configuration, since a gateway that cannot read it does not know
// which tools it may let in.
import { resolve } from 'node:path'
import type { Settings } from '../../assembly/settings.ts'
import type { LockFile } from '../../gateway/contracts/index.ts'
import type { Problem } from '../../platform/config/index.ts'
import { readLockFile } from './lock-file.ts'

export type LockLoading = { readonly lock: LockFile | undefined } | { readonly problems: readonly Problem[] }

export function loadLock({ versions, servers }: Settings, baseDir: string): LockLoading {
  const file = resolve(baseDir, versions.lock)
  const read = readLockFile(file)
  if (read === undefined) {
    const wanting = Object.entries(servers).filter(([, { admit }]) => admit === 'locked')
    const mend = 'write it with `signalbox tools lock`, or let in what is seen first (`admit: firstUse`)'
    const problem = (key: string): Problem => ({
      file,
      line: 0,
      column: 0,
      key,
      what: 'there is no such file, and `admit` is `locked`',
      mend,
    })
    return wanting.length === 0 ? { lock: undefined } : { problems: wanting.map(([name]) => problem(`servers.${name}`)) }
  }
  if ('problems' in read) return read
  const { lock, edited, line } = read
  // Of a server that is not served here the file may say what it likes.
  const own = edited.filter(({ server }) => Object.hasOwn(servers, server))
  const problems = own.map(({ server, tool }): Problem => {
    const what = 'its digests are not those of its text: somebody edited one and not the other'
    return {
      file,
      line: line(server, tool),
      column: 1,
      key: `servers.${server}.tools.${tool}`,
      what,
      mend: 'write it anew with `signalbox tools lock`',
    }
  })
  return problems.length > 0 ? { problems } : { lock }
}
