// Contracts out of a file: a lock file, or what a server answered to `tools/list`, saved by whatever tool.
import { basename } from 'node:path'
import { isObject } from '../../core/protocol/is-object.ts'
import { formatProblem } from '../../platform/config/index.ts'
import { fileBytes, type LockContents, lockIn } from '../configuration/lock-file.ts'
import { byName, CannotTell, type Contracts, orTell } from './contracts.ts'
import { serverNameOf } from './source.ts'

/** Throws `CannotTell` where it cannot be read. */
export function fileContracts(path: string, label: string): Contracts {
  const read = fileBytes(path, label)
  if ('problem' in read) throw new CannotTell(formatProblem(read.problem))
  const { bytes } = read
  const value = parsed(bytes)
  const list = listIn(value)
  if (list === undefined) {
    if (value !== undefined && !(isObject(value) && 'lockVersion' in value)) {
      throw new CannotTell(`${label} is neither a lock file nor the result of a tools/list: it has no \`tools\``)
    }
    return ofLock(label, orTell(lockIn(label, bytes)))
  }
  const name = serverNameOf({ kind: 'file', path, label })
  const { tools, notes } = byName(name, list)
  return { label, servers: new Map([[name, { identity: basename(path), tools }]]), notes }
}

export function ofLock(label: string, { lock, edited }: Pick<LockContents, 'lock' | 'edited'>): Contracts {
  const servers = [...lock.servers].map(
    ([name, server]) =>
      [name, { identity: server.identity, tools: new Map([...server.tools].map(([tool, { definition }]) => [tool, definition])) }] as const,
  )
  const notes = edited.map(({ server, tool }) => `${server}.${tool} was edited by hand in ${label}: its digest is not that of its text`)
  return { label, servers: new Map(servers), notes }
}

/** Undefined where it is no JSON: the reader of lock files says what is wrong. */
function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
        .toString('utf8')
        .replace(/^\uFEFF/, ''),
    )
  } catch {
    return undefined
  }
}

/** Of the result itself, of the message around it, or alone. */
function listIn(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value
  if (!isObject(value)) return undefined
  if (Array.isArray(value.tools)) return value.tools
  return isObject(value.result) && Array.isArray(value.result.tools) ? value.result.tools : undefined
}
