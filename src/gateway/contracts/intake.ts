// One tool of a list at a time: what it is against what is stood for, and what becomes of it. A change is judged once; who changes without
// end is judged now and then, and not called meanwhile.
import { createHash } from 'node:crypto'
import { breaks, type Digests, type Judgement, type ToolContract } from '../../core/call/contract.ts'
import { payloadOf } from '../../core/call/payload.ts'
import type { ListedTool, ToolRuling } from '../../core/ports/contracts.ts'
import { dayMs } from '../../core/text/duration.ts'
import { type DriftPolicy, decide, isUnread, openPolicy } from './admission.ts'
import { type ContractText, contractOf, idOf } from './contract-text.ts'
import { translationOf } from './decided-translations.ts'
import { stable } from './judge/stable.ts'
import { accepting, isByOtherRules, isUntried, lockedAdapter, markOf, rulesOf, wayOf, wordsAccepting } from './locked.ts'
import type { Locked, RegistryParts, Served } from './served.ts'
import type { Telling } from './telling.ts'
import { type TrackedParts, TrackedTool } from './tracked.ts'
import { isOverSince, UndeclaredNames } from './undeclared.ts'
import type { Approval, Weighed } from './weighed.ts'

/** Where what has become of a tool is kept. */
export interface Keeping {
  /** Its state is to be written, and its digests to be read where they are not known. */
  changed(served: Served, tool: TrackedTool): void
  /** What is judged no more is no matter of the tool. */
  isEnding(): boolean
}

/** One list of a server. */
export interface Taking {
  readonly served: Served
  /** What one client session alone is shown: it changes nothing for others. */
  readonly session: boolean
  /** Monotonic ms at which no more is judged. */
  readonly until: number
  readonly telling: Telling
  /** Names of the tools of other servers, as their servers and as callers know them. */
  otherTools(): ReadonlySet<string>
}

export class Intake {
  private readonly parts: RegistryParts
  private readonly keeping: Keeping
  readonly shared: TrackedParts
  private readonly keys = new WeakMap<object, string>()

  constructor(parts: RegistryParts, keeping: Keeping) {
    this.parts = parts
    this.keeping = keeping
    this.shared = { undeclared: new UndeclaredNames(), compile: parts.compile }
  }

  async rulingOf(taking: Taking, listed: ListedTool): Promise<ToolRuling> {
    const { served, session } = taking
    const tool = served.tools.get(listed.name)
    if (tool === undefined) return this.first(taking, listed)
    if (tool.seen === listed && tool.state !== 'split' && !this.isOver(served, tool)) return tool.ruling
    const key = this.keyOf(listed)
    const isSame = key === this.keyOf(tool.live)
    if (isSame && tool.state !== 'split' && !this.isDue(served, tool)) {
      if (!session) this.again(served, tool, listed)
      return tool.ruling
    }
    if (tool.approved === undefined) return session ? tool.ruling : this.renewed(taking, tool, listed)
    const base = (session ? tool.approved : tool.base) ?? tool.approved
    const isBack = key === this.keyOf(base)
    const weighed = isBack ? undefined : await this.weigh(taking, tool, base, listed, key)
    if (!isBack && weighed === undefined) return tool.unjudged(session)
    if (session) return weighed === undefined ? tool.ruling : tool.rulingOf(weighed)
    return this.taken(taking, tool, listed, weighed, isSame ? undefined : key)
  }

  /** What is stood for has to be judged anew, though the server says the same. */
  isOver(served: Served, tool: TrackedTool): boolean {
    return tool.isOver || isByOtherRules(this.parts, served, tool)
  }

  /** Its digests, where they can be had. */
  async read(text: ContractText): Promise<Digests | undefined> {
    if (text.digests === undefined) {
      const contract = contractOf(text.sent)
      const judgement = await this.parts.judge.judge(contract, contract)
      if (!isUnread(judgement)) text.digests = judgement.new
    }
    return text.digests
  }

  /** What the lock file has of it, if tools of the server are let in by it. */
  lockOf(served: Served, tool: string): Locked | undefined {
    return served.admit === 'locked' ? this.parts.locked?.(served.id, tool) : undefined
  }

  private async first(taking: Taking, listed: ListedTool): Promise<ToolRuling> {
    const { served, telling } = taking
    const now = this.parts.clock.now()
    const live: ContractText = { sent: listed.sent, digests: undefined }
    const tool = new TrackedTool(served.id, listed.name, live, now, this.shared)
    if (served.admit === 'locked') await this.byLock(taking, tool, listed)
    else {
      if (this.screens(served) && this.parts.clock.mono() >= taking.until) return tool.unread()
      this.admitRead(taking, tool)
    }
    // What one session is shown holds back nothing of all.
    if (taking.session && tool.words !== undefined) return tool.ruling
    seeAs(tool, listed)
    served.tools.set(listed.name, tool)
    served.news.add(tool)
    telling.first(tool)
    this.keeping.changed(served, tool)
    return tool.ruling
  }

  private screens(served: Served): boolean {
    return this.policyOf(served).prose !== 'adopt'
  }

  /** Lets the tool in, unless its words are held. */
  private admitRead({ served, otherTools }: Taking, tool: TrackedTool): void {
    const { live } = tool
    const context = { otherTools: otherTools(), addresses: served.addresses }
    const found = this.screens(served) ? this.parts.screen(undefined, contractOf(live.sent), context) : undefined
    const now = this.parts.clock.now()
    const rules = rulesOf(this.parts, served, tool.name)
    const { screened: words, accepted } = wordsAccepting(rules, found, { server: served.id, tool: tool.name }, now)
    if (words !== undefined && words.held.length > 0) tool.hold(words)
    else if (accepted.length > 0) tool.admit(live, { as: 'admitted', by: 'lock', reason: accepted.join('; '), atMs: now })
    else tool.admit(live, { as: 'admitted', by: served.admit, reason: undefined, atMs: now })
  }

  private async byLock(taking: Taking, tool: TrackedTool, listed: ListedTool): Promise<void> {
    const { served } = taking
    const locked = this.lockOf(served, tool.name)
    if (locked === undefined) return
    const now = this.parts.clock.now()
    const approval: Approval = { as: 'admitted', by: locked.by ?? 'lock', reason: locked.reason ?? undefined, atMs: now }
    tool.lock = lockId(locked)
    if (locked.rejected) return tool.reject({ ...approval, as: 'rejected' })
    const digests = await this.read(tool.live)
    if (digests !== undefined && idOf(digests) === tool.lock) return tool.admit(tool.live, approval)
    tool.lockedTo({ sent: payloadOf(locked.definition), digests: undefined }, approval)
    const { approved } = tool
    const weighed = approved === undefined ? undefined : await this.weigh(taking, tool, approved, listed, this.keyOf(listed))
    if (weighed === undefined) {
      tool.ruling = tool.unjudged(false)
      return
    }
    tool.take(weighed, this.adopter(served, weighed, now), false)
    taking.telling.changed(tool, weighed)
  }

  /** The same contract in another object. */
  private again(served: Served, tool: TrackedTool, listed: ListedTool): void {
    seeAs(tool, listed)
    tool.live.sent = listed.sent
    // A tool is written as seen once a day.
    if (this.parts.clock.now() - tool.lastSeenMs >= dayMs) {
      tool.lastSeenMs = this.parts.clock.now()
      this.keeping.changed(served, tool)
    }
  }

  private renewed(taking: Taking, tool: TrackedTool, listed: ListedTool): ToolRuling {
    const { served, telling } = taking
    const { clock } = this.parts
    const isRead = tool.words !== undefined && clock.mono() < taking.until && tool.weighings.mayJudge(clock.now())
    // Words that are held may be mended; they are looked at again where time allows.
    if (tool.words !== undefined && !isRead) return tool.ruling
    tool.renew({ sent: listed.sent, digests: undefined })
    if (isRead) {
      tool.weighings.judged(clock.now())
      this.admitRead(taking, tool)
      served.news.add(tool)
      telling.admission(tool)
    }
    tool.seen = listed
    this.keeping.changed(served, tool)
    return tool.ruling
  }

  /** `key`: of what is new; undefined where the server says what it said before. */
  private async taken(
    taking: Taking,
    tool: TrackedTool,
    listed: ListedTool,
    weighed: Weighed | undefined,
    key: string | undefined,
  ): Promise<ToolRuling> {
    const { served, telling } = taking
    const now = this.parts.clock.now()
    if (key !== undefined) tool.turns.note(key, now)
    const wasSplit = tool.state === 'split'
    const wasOver = this.isOver(served, tool)
    const isSplit = tool.turns.taken(now)
    const stays = weighed === undefined || isSplit || weighed.decision.stands !== 'live'
    const step = await this.stepTo(tool, stays ? tool.base : weighed.live)
    if (weighed === undefined) {
      tool.back(isSplit, step)
      tool.live.sent = listed.sent
    } else tool.take(weighed, this.adopter(served, weighed, now), isSplit, step)
    if (isSplit) this.refuseWhereSplit(tool, now)
    seeAs(tool, listed)
    tool.lastSeenMs = now
    served.news.add(tool)
    if (weighed !== undefined && (key !== undefined || wasOver)) telling.changed(tool, weighed)
    if (isSplit && !wasSplit) telling.split(tool)
    this.keeping.changed(served, tool)
    return tool.ruling
  }

  /** What is let in for a while was not judged against what comes after it. */
  private async stepTo(tool: TrackedTool, next: ContractText | undefined): Promise<Judgement | undefined> {
    const { approved, change } = tool
    if (change?.over === undefined || approved === undefined || next === undefined || approved === next) return undefined
    const { judge, reading } = this.parts
    return judge.judge(contractOf(approved.sent), contractOf(next.sent), { reading, propose: true })
  }

  /** Nobody knows which of them a call meets: one that breaks callers is enough. */
  private refuseWhereSplit(tool: TrackedTool, now: number): void {
    const among = [...tool.turns.keys(now)].flatMap((key) => tool.weighings.of(key) ?? [])
    const breaking = among.find(({ judgement }) => breaks(judgement.verdict))
    if (breaking !== undefined) tool.refuse(breaking)
  }

  /** A judgement that time was lacking for is tried again, and one that names of arguments were lacking for. */
  private isDue(served: Served, tool: TrackedTool): boolean {
    const { change, waits } = tool
    if (waits || change === undefined) return waits
    const isOther = this.isOver(served, tool) || isUnread(change.judgement) || isUntried(this.parts, served, tool)
    return isOther && tool.weighings.mayJudge(this.parts.clock.now())
  }

  /** Against `base`. */
  private async weigh(
    taking: Taking,
    tool: TrackedTool,
    base: ContractText,
    listed: ListedTool,
    key: string,
  ): Promise<Weighed | undefined> {
    const { served, session, until, otherTools } = taking
    const weighings = session ? tool.sessionWeighings : tool.weighings
    // Those of all may be against what stood before.
    const known = (base === tool.base ? tool.weighings.of(key) : undefined) ?? weighings.of(key)
    const undeclared = tool.sentUndeclared
    const own = rulesOf(this.parts, served, tool.name)
    const rules = markOf(own)
    const isKnown = known !== undefined && known.rules === rules && !isOverSince(known.judgement, undeclared)
    if (isKnown && (session || !isUntried(this.parts, served, tool))) return known
    const { clock, judge, reading, screen } = this.parts
    if (clock.mono() >= until || !weighings.mayJudge(clock.now())) return undefined
    const [old, now] = [contractOf(base.sent), contractOf(listed.sent)]
    const judged = await judge.judge(old, now, { reading, undeclared, propose: true })
    const isRead = !isUnread(judged)
    if (!isRead && this.keeping.isEnding()) return undefined
    if (isRead) base.digests ??= judged.old
    const policy = this.policyOf(served)
    const isOther = judged.old.exact !== judged.new.exact
    const found =
      isOther && policy.prose !== 'adopt' ? screen(old, now, { otherTools: otherTools(), addresses: served.addresses }) : undefined
    const isRejected = tool.isRejected(judged.new)
    // Who does not want a change goes before who accepted it for a while.
    const left = accepting(isRejected ? [] : own, judged, found, { server: served.id, tool: tool.name }, clock.now())
    const decision = decide(policy, left.judgement, left.screened, isRejected)
    if (decision.refused && !isRejected) await this.translate(taking, tool, [old, now], left.judgement)
    // Of what is shown already, and stays.
    const isShown = tool.approved === tool.live && key === this.keyOf(tool.live)
    const live: ContractText = isShown ? tool.live : { sent: listed.sent, digests: isRead ? judged.new : undefined }
    const weighed = { ...left, live, decision, rules }
    // The same in other bytes may come with every list.
    if (idOf(judged.old) !== idOf(judged.new) || decision.state === 'changed:prose') weighings.judged(clock.now())
    if (isRead) weighings.keep(key, weighed)
    return weighed
  }

  /** What the lock file has for exactly this change goes into force, if it is proved; what an operator gave goes before it. */
  private async translate(
    { served, telling }: Taking,
    tool: TrackedTool,
    [old, now]: readonly [ToolContract, ToolContract],
    judgement: Judgement,
  ): Promise<void> {
    const { judge, reading, locked, clock } = this.parts
    const adapter = lockedAdapter(locked?.(served.id, tool.name), judgement)
    if (adapter === undefined || tool.lockedWay === wayOf(judgement)) return
    tool.lockedWay = wayOf(judgement)
    if (tool.translations.givenFor(judgement) !== undefined) return
    const { input, output, override, by, reason } = adapter
    const asked = { adapter: { input, output } }
    const judged = await judge.judge(old, now, { reading, undeclared: tool.sentUndeclared, propose: asked })
    const found = translationOf(judged, override, { by: by ?? 'lock', reason: reason ?? undefined, atMs: clock.now() })
    if (found.ok) tool.translations.put({ ...found.given, locked: true })
    else telling.untranslated(tool, found.detail)
  }

  private policyOf({ admit }: Served): DriftPolicy {
    return admit === 'open' ? openPolicy : this.parts.drift
  }

  private adopter(served: Served, { judgement, accepted }: Weighed, atMs: number): Approval {
    if (accepted.length > 0) return { as: 'admitted', by: 'lock', reason: accepted.join('; '), atMs }
    return { as: 'admitted', by: served.admit === 'open' ? 'open' : 'drift', reason: judgement.human, atMs }
  }

  /** Equal for definitions that say the same, whatever the order of their members. Of an object that stays the same it is made once. */
  private keyOf({ sent }: { readonly sent: ListedTool['sent'] }): string {
    let key = this.keys.get(sent)
    if (key === undefined) {
      key = digestOf(stable(contractOf(sent)))
      this.keys.set(sent, key)
    }
    return key
  }
}

/** What time was lacking for is looked at again with the next list. */
function seeAs(tool: TrackedTool, listed: ListedTool): void {
  const isLacking = tool.waits || (tool.change !== undefined && isUnread(tool.change.judgement))
  tool.seen = isLacking ? undefined : listed
}

/** Of a lock entry, to be told from what it is later. */
export function lockId(locked: Locked | undefined): string | undefined {
  return locked === undefined ? undefined : idOf(locked.digests)
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}
