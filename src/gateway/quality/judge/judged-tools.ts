// All tools of which results are judged, by server and name: bounded, and brought back from before a restart when one is called first.
import type { UpstreamId } from '../../../core/call/item.ts'
import type { ToolQuality } from '../../../core/call/tool-settings.ts'
import { Histories, type HowJudged } from '../history/index.ts'
import { JudgedServer, JudgedTool } from './judged-tool.ts'

/** Of one server, and of all. */
const mostOfServer = 2_000
export const mostTools = 4_096

export interface JudgedToolsParts {
  readonly sensitivity: HowJudged['sensitivity']
  /** What configuration says of a tool. */
  readonly qualityOf: (upstream: UpstreamId, tool: string) => ToolQuality | undefined
}

export class JudgedTools {
  readonly servers = new Map<UpstreamId, JudgedServer>()
  private readonly parts: JudgedToolsParts
  private readonly histories = new Histories(mostTools)
  /** What was saved of tools, taken from when one is seen first. */
  private readonly kept = new Map<string, Uint8Array>()
  /** The oldest first. */
  private readonly begun = new Set<JudgedTool>()

  constructor(parts: JudgedToolsParts) {
    this.parts = parts
  }

  restore(upstream: UpstreamId, name: string, state: Uint8Array): void {
    this.kept.set(keyOf(upstream, name), state)
  }

  serverOf(upstream: UpstreamId): JudgedServer {
    let server = this.servers.get(upstream)
    if (server === undefined) {
      server = new JudgedServer()
      this.servers.set(upstream, server)
    }
    return server
  }

  toolOf(server: JudgedServer, upstream: UpstreamId, name: string): JudgedTool {
    return server.tools.get(name) ?? this.begin(server, upstream, name)
  }

  /** One of which a result was seen, also before the start. */
  find(upstream: UpstreamId, name: string): JudgedTool | undefined {
    const found = this.servers.get(upstream)?.tools.get(name)
    return found === undefined && this.kept.has(keyOf(upstream, name)) ? this.begin(this.serverOf(upstream), upstream, name) : found
  }

  all(): Iterable<JudgedTool> {
    return this.begun
  }

  /** For the store. */
  save({ upstream, name }: JudgedTool): Uint8Array | undefined {
    return this.histories.toBytes(keyOf(upstream, name))
  }

  private begin(server: JudgedServer, upstream: UpstreamId, name: string): JudgedTool {
    // Of a server whose names change all the time its own oldest goes, and no other's.
    if (server.tools.size >= mostOfServer) this.forgetOne(server.begun)
    if (this.begun.size >= mostTools) this.forgetOne(this.begun)
    const key = keyOf(upstream, name)
    const saved = this.kept.get(key)
    this.kept.delete(key)
    const { sensitivity, qualityOf } = this.parts
    const history = this.histories.of(key, () => saved)
    const made = new JudgedTool(upstream, name, qualityOf(upstream, name), sensitivity, history)
    server.tools.set(name, made)
    server.begun.add(made)
    this.begun.add(made)
    return made
  }

  /** The oldest that was not called since this was asked last (second chance). */
  private forgetOne(tools: Set<JudgedTool>): void {
    for (const tool of tools) {
      if (tool.wasCalled) {
        tool.wasCalled = false
        tools.delete(tool)
        tools.add(tool)
        continue
      }
      const server = this.servers.get(tool.upstream)
      this.begun.delete(tool)
      server?.begun.delete(tool)
      server?.tools.delete(tool.name)
      this.histories.forget(keyOf(tool.upstream, tool.name))
      return
    }
  }
}

function keyOf(upstream: string, name: string): string {
  return `${upstream}\0${name}`
}
