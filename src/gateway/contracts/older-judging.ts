// Judges the contracts that were shown of a tool before against the one that is shown now, one after the other beside everything else.
import { breaks } from '../../core/call/contract.ts'
import { inBackground } from '../../core/ports/boundary.ts'
import type { Adapter } from './adapters.ts'
import { isUnread } from './admission.ts'
import { type ContractText, contractOf } from './contract-text.ts'
import type { Older } from './older.ts'
import type { RegistryParts } from './served.ts'
import type { TrackedTool } from './tracked.ts'
import type { Way } from './translations.ts'

const asItIs: Way = { adapter: { input: [], output: [] }, proved: true }

export class OlderJudging {
  private readonly parts: Pick<RegistryParts, 'judge' | 'reading' | 'report'>
  private readonly isEnding: () => boolean
  private readonly waiting = new Set<TrackedTool>()
  private isJudging = false

  constructor(parts: Pick<RegistryParts, 'judge' | 'reading' | 'report'>, isEnding: () => boolean) {
    this.parts = parts
    this.isEnding = isEnding
  }

  add(tool: TrackedTool): void {
    if (nextOf(tool) === undefined) return
    this.waiting.add(tool)
    if (!this.isJudging) inBackground(this.parts.report, 'contracts', this.judgeAll())
  }

  private async judgeAll(): Promise<void> {
    this.isJudging = true
    try {
      for (const tool of this.waiting) {
        this.waiting.delete(tool)
        for (let older = nextOf(tool); older !== undefined && !this.isEnding(); older = nextOf(tool)) await this.judge(tool, older)
      }
    } finally {
      this.isJudging = false
    }
  }

  private async judge(tool: TrackedTool, older: Older): Promise<void> {
    const { approved } = tool
    if (approved === undefined) return
    const way = await this.wayTo(tool, older, approved)
    // What was shown meanwhile is judged in the next turn.
    if (tool.approved === approved && tool.older.includes(older)) older.serve(approved, way)
  }

  /** Proved at once, else by the ways from each contract to the one that followed it. */
  private async wayTo(tool: TrackedTool, older: Older, target: ContractText): Promise<Way | undefined> {
    const { judge, reading } = this.parts
    const [old, now] = [contractOf(older.text.sent), contractOf(target.sent)]
    const judgement = await judge.judge(old, now, { reading, propose: true })
    if (isUnread(judgement)) return undefined
    if (!breaks(judgement.verdict)) return asItIs
    const direct = tool.translations.inForce(judgement)
    const composed = direct === undefined ? composedOf(tool, older) : undefined
    if (composed === undefined) return direct
    const { adapter } = await judge.judge(old, now, { reading, propose: { adapter: composed.adapter } })
    if (adapter?.adapter === undefined) return undefined
    const proved = adapter.unproved === undefined
    return proved || !composed.proved ? { adapter: composed.adapter, proved } : undefined
  }
}

/** One that is not judged against what is shown now. Of two contracts that take turns nobody knows which a call meets. */
function nextOf({ state, approved, older }: TrackedTool): Older | undefined {
  return state === 'split' || approved === undefined ? undefined : older.find(({ target }) => target === undefined)
}

function composedOf({ older: all, translations }: TrackedTool, older: Older): Way | undefined {
  const at = all.indexOf(older)
  if (at < 1) return undefined
  const ways: Way[] = []
  // The latest stands first.
  for (const step of all.slice(0, at + 1)) {
    const way = translations.inForce(step.judgement)
    if (way === undefined) return undefined
    ways.push(way)
  }
  const adapter: Adapter = {
    input: ways.toReversed().flatMap((way) => way.adapter.input),
    output: ways.flatMap((way) => way.adapter.output),
  }
  return { adapter, proved: ways.every(({ proved }) => proved) }
}
