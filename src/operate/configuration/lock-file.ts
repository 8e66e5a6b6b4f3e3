// Lock files as they lie on disk, for the gateway and for all commands: one reader, which says the same of what is wrong with a file, and reads no
// more than so much of it.
import { checkedLock, digestsOf, type LockFile, lineOfTool, readLock } from '../../gateway/contracts/index.ts'
import { type BytesRead, type Problem, readBytes } from '../../platform/config/index.ts'

/** In bytes; also of a list of tools in a file. A thousand tools fit into a tenth of it. */
const largestFile = 67_108_864

export interface LockContents {
  readonly lock: LockFile
  /** Tools of which the text is not that of the digest: somebody edited it. */
  readonly edited: readonly { readonly server: string; readonly tool: string }[]
  /** Where a tool stands, from 1; 1 where it does not. */
  line(server: string, tool: string): number
}

export type LockRead = LockContents | { readonly problems: readonly Problem[] }

/** Undefined where there is none. `label`: what problems call the file. */
export function readLockFile(file: string, label = file): LockRead | undefined {
  const read = fileBytes(file, label)
  if ('bytes' in read) return lockIn(label, read.bytes)
  return read.isThere ? { problems: [read.problem] } : undefined
}

/** Of a lock file, or of a list of tools: which of them it is, its content tells. */
export function fileBytes(file: string, label: string): BytesRead {
  const read = readBytes(file, largestFile)
  return 'bytes' in read ? read : { ...read, problem: { ...read.problem, file: label } }
}

export function lockIn(label: string, bytes: Uint8Array): LockRead {
  const read = readLock(bytes)
  if (!read.ok) return { problems: read.problems.map((problem) => ({ file: label, ...problem })) }
  return { ...checkedLock(read.lock, digestsOf), line: (server, tool) => lineOfTool(bytes, server, tool) }
}
