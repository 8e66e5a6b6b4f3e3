// Begins to listen, at an address of the network or at a UNIX socket. Of a socket file that a gateway left behind nobody knows whether somebody
// still listens there but by asking: a stale one makes room, a living one is left alone.
import { chmodSync } from 'node:fs'
import { lstat, unlink } from 'node:fs/promises'
import { type AddressInfo, connect, type Server } from 'node:net'
import { dirname } from 'node:path'
import { isMainThread } from 'node:worker_threads'
import { isSocketFile, type ListenAddress, type SocketFile } from '../../core/ports/listen-address.ts'

export interface Listening<A extends ListenAddress = ListenAddress> {
  readonly address: A
  /** Connections that wait to be accepted. */
  readonly backlog?: number
  /** The listener failed later. */
  readonly failed: (error: Error) => void
}

/**
 * Resolves to where it stands. Rejects where that cannot be had, with an error of `listen`: EADDRINUSE, EACCES, ENOENT where the folder of a
 * socket is missing, EEXIST where another kind of file is in its place. The file goes with the listener.
 */
export async function listenOn<A extends ListenAddress>(server: Server, { address, backlog, failed }: Listening<A>): Promise<A> {
  if (isSocketFile(address)) await makeRoom(address)
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    const began = (): void => {
      server.off('error', reject)
      server.on('error', failed)
      const bound = server.address() as AddressInfo | string
      resolve((typeof bound === 'string' ? address : { host: bound.address, port: bound.port }) as A)
    }
    if (isSocketFile(address)) bindFile(server, address, backlog, began)
    else server.listen({ host: address.host, port: address.port, ...(backlog === undefined ? {} : { backlog }) }, began)
  })
}

/** The file is never open to more than it is meant for: it is made with its mode where the process may say so, else given it before anything is read. */
function bindFile(server: Server, { path, mode }: SocketFile, backlog: number | undefined, began: () => void): void {
  const before = isMainThread ? process.umask(0o777 & ~mode) : undefined
  try {
    server.listen({ path, ...(backlog === undefined ? {} : { backlog }) }, began)
  } finally {
    if (before !== undefined) process.umask(before)
  }
  if (!server.listening) return
  try {
    chmodSync(path, mode)
  } catch (error) {
    server.close()
    server.emit('error', error)
  }
}

async function makeRoom({ path }: SocketFile): Promise<void> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw refusal(error.code ?? 'EACCES', path)
  })
  // Of a folder that is missing the library says that it may not be written.
  if (found === undefined) return lstat(dirname(path)).then(nothing, () => Promise.reject(refusal('ENOENT', path)))
  if (!found.isSocket()) throw refusal('EEXIST', path)
  const code = await whoAnswers(path)
  if (code !== 'ECONNREFUSED' && code !== 'ENOENT') throw refusal(code === 'EACCES' || code === 'EPERM' ? code : 'EADDRINUSE', path)
  // Between two that find it stale at the same moment the kernel decides: the second cannot bind.
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw refusal(error.code ?? 'EACCES', path)
  })
}

const nothing = (): void => undefined

/** The code of a connection that fails; undefined where somebody takes it. */
function whoAnswers(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(undefined)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'EIO'))
  })
}

function refusal(code: string, path: string): Error {
  return Object.assign(new Error(`listen ${code}: ${path}`), { code, syscall: 'listen', address: path })
}
