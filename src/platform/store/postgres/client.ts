// The library's client behind a border of ours: whatever a server sends, nothing is thrown out of a listener, and no socket stays open for
// a server that never closes it. Loaded with the first connection: most gateways need it never.
import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import pg from 'pg'
import { FrameCheck } from './frame-check.ts'

/** What the library's connection has beside its published types. */
interface LibraryConnection extends EventEmitter {
  readonly stream: Socket
  attachListeners(stream: EventEmitter): void
  end(): void
}

const LibraryConnection = pg.Connection as unknown as new (config: object) => LibraryConnection

class GuardedConnection extends LibraryConnection {
  /** The library reads what it is handed here; a throw of it would be one of the socket's listener. */
  override attachListeners(stream: Socket): void {
    const bytes = new EventEmitter()
    super.attachListeners(bytes)
    const check = new FrameCheck()
    stream.on('data', (chunk: Buffer) => {
      if (stream.destroyed) return
      try {
        const wrong = check.next(chunk)
        if (wrong !== undefined) throw new Error(wrong)
        bytes.emit('data', chunk)
      } catch (error) {
        stream.destroy(error instanceof Error ? error : new Error(String(error)))
      }
    })
  }

  override end(): void {
    super.end()
    this.stream.destroySoon()
  }
}

export class GuardedClient extends pg.Client {
  constructor(config: pg.ClientConfig) {
    const { ssl, keepAlive } = config
    // The pool hides the password from those who list what it holds.
    super({ ...config, password: config.password, connection: new GuardedConnection({ ssl, keepAlive }) } as pg.ClientConfig)
    // Of a connection that is in use: its request is told of it too.
    this.on('error', () => undefined)
  }
}

export const { Pool } = pg
