// What a session-era server keeps for a connection once it was asked: the log level, and the resources whose updates it tells.
import { type LogLevel, logLevels } from '../../core/call/call.ts'
import { type Payload, payloadOf } from '../../core/call/payload.ts'
import type { Asked } from '../connection.ts'

export class ServerState {
  private readonly ask: (method: string, params: Payload) => Promise<Asked>
  private readonly uris = new Set<string>()
  private level: LogLevel | undefined
  private levelling: Promise<void> = Promise.resolve()

  constructor(ask: (method: string, params: Payload) => Promise<Asked>) {
    this.ask = ask
  }

  /** Resolves when the server logs at least from `wanted` on. A level is never raised again: other calls may want it. */
  lowerLevel(wanted: LogLevel): Promise<void> {
    if (this.level === undefined || logLevels.indexOf(wanted) < logLevels.indexOf(this.level)) {
      this.level = wanted
      const before = this.levelling
      this.levelling = before.then(async () => {
        await this.ask('logging/setLevel', payloadOf({ level: wanted }))
      })
    }
    return this.levelling
  }

  /** Subscribes to exactly these; resolves to those that the server took. */
  async subscribe(wanted: readonly string[]): Promise<readonly string[]> {
    await Promise.all([...this.uris].filter((uri) => !wanted.includes(uri)).map((uri) => this.turn(uri, false)))
    await Promise.all(wanted.filter((uri) => !this.uris.has(uri)).map((uri) => this.turn(uri, true)))
    return [...this.uris]
  }

  private async turn(uri: string, on: boolean): Promise<void> {
    if (!on) this.uris.delete(uri)
    const asked = await this.ask(on ? 'resources/subscribe' : 'resources/unsubscribe', payloadOf({ uri }))
    if (on && asked.kind === 'result') this.uris.add(uri)
  }
}
