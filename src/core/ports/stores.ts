// State behind two small ports: ephemeral (memory, later Redis) and durable (later SQLite, PostgreSQL).

export interface Versioned {
  readonly value: Uint8Array
  readonly version: number
}

export type Unsubscribe = () => void

export interface Ephemeral {
  get(key: string): Promise<Versioned | undefined>
  /** False where `ifVersion` does not hold. `ttlMs` starts anew. */
  put(key: string, value: Uint8Array, options: { readonly ttlMs: number; readonly ifVersion?: number | 'absent' }): Promise<boolean>
  delete(key: string): Promise<void>
  publish(topic: string, message: Uint8Array): Promise<void>
  subscribe(topic: string, on: (message: Uint8Array) => void): Promise<Unsubscribe>
}
