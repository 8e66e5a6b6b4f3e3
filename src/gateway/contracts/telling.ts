// What is told of changes of tools: log lines, counters, and rows of the audit. Bounded for each list, however many of its tools change.
import { breaks } from '../../core/call/contract.ts'
import { idOf } from './contract-text.ts'
import { findingText, type Screening } from './screening/screening.ts'
import type { RegistryParts, Served } from './served.ts'
import type { TrackedTool } from './tracked.ts'
import type { Weighed } from './weighed.ts'

/** Changes of one list that are logged one by one. */
const mostLogged = 10
const mostFindings = 3

export class Telling {
  private readonly parts: Pick<RegistryParts, 'report' | 'decisions' | 'clock'>
  private readonly served: Served
  private logged = 0
  private more = 0
  private fresh = 0

  constructor(parts: Pick<RegistryParts, 'report' | 'decisions' | 'clock'>, served: Served) {
    this.parts = parts
    this.served = served
  }

  changed(tool: TrackedTool, { judgement, decision, screened, accepted }: Weighed): void {
    const { report } = this.parts
    report.counters.add('contract_changes', { upstream: this.served.id, verdict: judgement.verdict })
    // Of a text that only reads differently as bytes there is nothing to say.
    if (idOf(judgement.old) === idOf(judgement.new) && tool.state !== 'changed:prose') return
    const isTaken = decision.stands === 'live'
    const words = heldText(screened)
    const human = [judgement.human, ...accepted, ...(words === undefined ? [] : [words])].join('; ')
    this.audit(tool, isTaken, `drift.${tool.state}`, human)
    const isWarning = breaks(judgement.verdict) || tool.state === 'changed:prose'
    this.line(isWarning ? 'warn' : 'info', 'The contract of a tool changed', tool, { change: human, verdict: judgement.verdict })
  }

  untranslated(tool: TrackedTool, reason: string): void {
    this.line('warn', 'The translation that the lock file has for calls of a tool is not in force', tool, { reason })
  }

  first(tool: TrackedTool): void {
    this.fresh += 1
    this.admission(tool)
  }

  /** Of one that nobody has decided about yet. What is let in when it is seen first is no decision of anybody; the registry has it. */
  admission(tool: TrackedTool): void {
    if (tool.approval !== undefined) return
    const words = heldText(tool.words)
    this.audit(tool, false, words === undefined ? 'admit.new' : 'admit.words', words ?? 'nobody has admitted it')
    if (words !== undefined) this.line('warn', 'A tool is not let in for its words', tool, { reason: words })
  }

  split(tool: TrackedTool): void {
    this.parts.report.counters.add('contract_splits', { upstream: this.served.id })
    this.line('warn', 'Two contracts of a tool take turns, as of replicas that differ; what was approved stays', tool, {})
  }

  end(): void {
    const { report } = this.parts
    if (this.fresh > 0) report.log('info', 'Tools were seen for the first time', { upstream: this.served.id, tools: this.fresh })
    if (this.more > 0) report.log('warn', 'More contracts of tools changed', { upstream: this.served.id, more: this.more })
  }

  private line(severity: 'info' | 'warn', event: string, tool: TrackedTool, fields: Readonly<Record<string, unknown>>): void {
    if (this.logged >= mostLogged) {
      this.more += 1
      return
    }
    this.logged += 1
    const { id: upstream, owner } = this.served
    this.parts.report.log(severity, event, {
      upstream,
      tool: tool.name,
      state: tool.state,
      ...(owner === undefined ? {} : { owner }),
      ...fields,
    })
  }

  private audit(tool: TrackedTool, allowed: boolean, rule: string, reason: string | undefined): void {
    this.parts.decisions.note({
      id: '',
      atMs: this.parts.clock.now(),
      about: 'contract',
      allowed,
      principal: undefined,
      method: undefined,
      upstream: this.served.id,
      item: tool.name,
      contract: tool.live.digests?.contract,
      rule,
      credential: '',
      reason,
    })
  }
}

function heldText(screened: Screening | undefined): string | undefined {
  if (screened === undefined || screened.held.length === 0) return undefined
  return `its words are held: ${screened.held.slice(0, mostFindings).map(findingText).join('; ')}`
}
