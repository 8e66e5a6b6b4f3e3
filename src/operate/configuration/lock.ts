// The lock file of a configuration, where there is one: read with the configuration, since a gateway that cannot read it does not know
// which tools it may let in.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Settings } from '../../assembly/settings.ts'
import { checkedLock, digestsOf, type LockFile, largestLock, lineOfTool, readLock } from '../../gateway/contracts/index.ts'
import type { Problem } from '../../platform/config/index.ts'

export type LockLoading = { readonly lock: LockFile | undefined } | { readonly problems: readonly Problem[] }

export function loadLock({ versions, servers }: Settings, baseDir: string): LockLoading {
  const file = resolve(baseDir, versions.lock)
  const bytes = bytesOf(file)
  if (typeof bytes === 'string') return { problems: [{ file, line: 0, column: 0, key: '', what: bytes, mend: 'make it readable' }] }
  if (bytes === undefined) {
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
  const read = readLock(bytes)
  if (!read.ok) return { problems: read.problems.map((problem) => ({ file, ...problem })) }
  const { lock, edited } = checkedLock(read.lock, digestsOf)
  // Of a server that is not served here the file may say what it likes.
  const own = edited.filter(({ server }) => Object.hasOwn(servers, server))
  const problems = own.map(({ server, tool }): Problem => {
    const what = 'its digests are not those of its text: somebody edited one and not the other'
    return {
      file,
      line: lineOfTool(bytes, server, tool),
      column: 1,
      key: `servers.${server}.tools.${tool}`,
      what,
      mend: 'write it anew with `signalbox tools lock`',
    }
  })
  return problems.length > 0 ? { problems } : { lock }
}

/** Undefined where there is none; a text says why it cannot be read. */
function bytesOf(file: string): Uint8Array | string | undefined {
  try {
    const bytes = readFileSync(file)
    return bytes.length > largestLock ? `is larger than ${largestLock} bytes` : bytes
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'ENOENT' ? undefined : `cannot be read (${code ?? 'unknown error'})`
  }
}
