// One tool of one server: what is stood for towards callers (the approved contract), what the server says now (the live one), how far they
// are apart, and what calls have to know of it.
import {
  type BrokenContract,
  breaks,
  type ContractChange,
  type ContractState,
  type Digests,
  type ItemContract,
  type Judgement,
  type UndeclaredArguments,
} from '../../core/call/contract.ts'
import type { UpstreamId } from '../../core/call/item.ts'
import { gatewayKey, type TenantKey } from '../../core/call/tenant-key.ts'
import type { ListedTool, ToolRuling } from '../../core/ports/contracts.ts'
import { type ContractText, contractOf, idOf } from './contract-text.ts'
import { Older } from './older.ts'
import { cautious, held, nextMark, refusing, unjudgedRuling } from './rulings.ts'
import type { Screening } from './screening/screening.ts'
import { brokenOf, type CompileSchema, callsBy, type GivenTranslation, Translations } from './translations.ts'
import { Turns } from './turns.ts'
import { isOverSince, type UndeclaredNames } from './undeclared.ts'
import type { Approval, OpenChange, Weighed } from './weighed.ts'
import { Weighings } from './weighings.ts'

/** As calls read it; its members change where nothing changes for them. */
interface Told extends ItemContract {
  digest: string | undefined
  change: ContractChange | undefined
}

/** What all tools share. */
export interface TrackedParts {
  readonly undeclared: UndeclaredNames
  readonly compile: CompileSchema
}

/** Contracts that callers may have read before this one. */
const mostOlder = 8
/** Contracts that were rejected and are known again. */
const mostRejected = 16
/** Stands for no rules, so that the change is judged anew. */
const withdrawn = 'withdrawn'

export class TrackedTool {
  readonly upstream: UpstreamId
  readonly name: string
  readonly turns = new Turns()
  readonly firstSeenMs: number
  lastSeenMs: number
  state: ContractState = 'new'
  /** Undefined of a tool that is not let in. */
  approved: ContractText | undefined
  live: ContractText
  approval: Approval | undefined
  change: OpenChange | undefined
  /** Of the live contract against what stood before it. */
  latest: Judgement | undefined
  /** The object of the last list: where it comes again, nothing has changed. */
  seen: ListedTool | undefined
  /** Of the lock file, as it was when the tool was let in by it. */
  lock: string | undefined
  /** Between which contracts the translation of the lock file was tried. */
  lockedWay: string | undefined
  ruling: ToolRuling
  readonly weighings = new Weighings<Weighed>()
  /** Of lists that one session alone is shown. */
  readonly sessionWeighings = new Weighings<Weighed>()
  readonly rejected: string[] = []
  /** For which it was not let in when it was seen first. */
  words: Screening | undefined
  readonly translations = new Translations()
  /** What was shown before and broke, the latest first. */
  older: readonly Older[] = []
  private refused: BrokenContract | undefined
  private told: Told | undefined
  private readonly parts: TrackedParts
  /** While a change waits for its judgement; one that a single session is shown keeps nobody else waiting. */
  private waiting: { readonly ruling: ToolRuling; ofAll: boolean } | undefined
  private readonly ofSessions = new WeakMap<Weighed, ToolRuling>()

  constructor(upstream: UpstreamId, name: string, live: ContractText, nowMs: number, parts: TrackedParts) {
    this.upstream = upstream
    this.name = name
    this.parts = parts
    this.live = live
    this.firstSeenMs = nowMs
    this.lastSeenMs = nowMs
    this.ruling = held(upstream, name, 'new')
  }

  /** What changes are judged against: what is let in for a while is not. */
  get base(): ContractText | undefined {
    return this.change?.over ?? this.approved
  }

  /** Names that callers sent though what they were shown does not declare them. */
  get sentUndeclared(): readonly string[] {
    return this.parts.undeclared.of(this.key)
  }

  /** The change that is held back breaks by names that callers have sent since it was judged. */
  get isOver(): boolean {
    return this.change?.adopted === false && isOverSince(this.change.judgement, this.sentUndeclared)
  }

  get waits(): boolean {
    return this.waiting?.ofAll === true
  }

  /** It is not let in for its words. */
  hold(words: Screening): void {
    this.words = words
    this.settle()
  }

  /** Of a tool that is seen first, whose words nobody had time to look at. */
  unread(): ToolRuling {
    return { shown: 'nothing', reason: 'its words were not looked at yet', contract: undefined }
  }

  /** The tool is let in as it is, by `approval`. */
  admit(live: ContractText, approval: Approval): void {
    this.words = undefined
    this.stepTo(live)
    this.turns.forget()
    this.latest = undefined
    this.live = live
    this.approved = live
    this.state = approval.as
    this.approval = approval
    this.change = undefined
    this.refused = undefined
    this.waiting = undefined
    this.forgetWeighed()
    const again = approval.as === 'approved' ? this.rejected.indexOf(idOf(live.digests) as string) : -1
    if (again >= 0) this.rejected.splice(again, 1)
    this.settle()
  }

  /** What the server says is as stood for again. `step`: as of `take`. */
  back(isSplit: boolean, step: Judgement | undefined): void {
    const { base } = this
    if (base !== undefined) this.stand(base, step)
    this.live = base ?? this.live
    this.change = undefined
    this.refused = undefined
    this.waiting = undefined
    this.state = isSplit ? 'split' : this.approval?.as === 'approved' ? 'approved' : 'admitted'
    this.settle()
  }

  /** Of a tool that is not let in: the server says something else of it. One that was rejected does not come back by that. */
  renew(live: ContractText): void {
    this.live = live
    this.settle()
  }

  /** Stood for is what the lock file has; the server may say something else. */
  lockedTo(approved: ContractText, approval: Approval): void {
    this.approved = approved
    this.approval = approval
    this.forgetWeighed()
  }

  /**
   * The server says something else, which was judged. `adopter`: who stands for what is taken without an operator. `step`: of what is shown
   * against what will be, where that is not what was judged.
   */
  take(weighed: Weighed, adopter: Approval, isSplit: boolean, step?: Judgement): void {
    const { decision, live, judgement, screened, accepted, rules } = weighed
    const { base } = this
    this.live = live
    this.latest = judgement
    this.waiting = undefined
    const stands = decision.stands === 'live' && !isSplit ? live : (base ?? live)
    const text = decision.cautious ? cautious(stands, stands === live ? base : live) : stands
    if (stands === live) {
      this.stand(text, step ?? judgement)
      this.approval = adopter
    } else this.stand(text, step)
    this.state = isSplit ? 'split' : decision.state
    const over = stands === live && accepted.length > 0 ? base : undefined
    const isOpen = text !== live || over !== undefined
    this.change = isOpen ? { judgement, screened, accepted, rules, adopted: stands === live, over } : undefined
    this.refused = decision.refused ? this.brokenBy(stands, judgement, live, decision.state) : undefined
    this.settle()
  }

  /** Callers are shown another text. `step`: of the one before against it; undefined where it says the same of calls. */
  private stand(text: ContractText, step: Judgement | undefined): void {
    if (step !== undefined) this.stepTo(text, step)
    if (text !== this.approved) this.forgetWeighed()
    this.approved = text
  }

  /** Of several contracts that take turns one breaks callers: nobody knows which of them a call meets. */
  refuse({ judgement }: Weighed): void {
    // A translated call may meet the one that was not replaced.
    if (this.approved !== undefined) this.refused = brokenOf(this.approved, judgement, undefined)
    this.settle()
  }

  /** The operator does not want what the server says: its change, or the tool where it is as it was let in. */
  reject(approval: Approval): void {
    const { change } = this
    if (change === undefined) this.approved = undefined
    // What the lock file accepts of it counts no more.
    else if (change.over !== undefined) {
      this.approved = change.over
      this.change = { ...change, adopted: false, over: undefined, rules: withdrawn }
    }
    const id = idOf(this.live.digests)
    if (id !== undefined && !this.rejected.includes(id)) this.rejected.push(id)
    if (this.rejected.length > mostRejected) this.rejected.shift()
    if (this.live.digests !== undefined) this.translations.remove(this.live.digests)
    if (this.refused !== undefined) this.refused = { ...this.refused, adapter: undefined }
    this.state = 'rejected'
    this.words = undefined
    this.approval = approval
    this.waiting = undefined
    this.turns.forget()
    this.forgetWeighed()
    this.settle()
  }

  /** Calls that the change breaks are translated from now on. */
  translate(given: GivenTranslation): void {
    this.translations.put(given)
    const { change, approved, live } = this
    if (this.state === 'rejected' && change !== undefined) {
      this.rejected.splice(0, this.rejected.length, ...this.rejected.filter((id) => id !== idOf(live.digests)))
      this.state = 'changed:breaking'
    }
    this.forgetWeighed()
    if (change !== undefined && this.refused !== undefined && approved !== undefined) {
      this.refused = this.brokenBy(approved, change.judgement, live, this.state)
    }
    for (const one of this.older) one.unserved()
    this.settle()
  }

  isRejected(digests: Digests): boolean {
    return this.rejected.includes(idOf(digests) as string)
  }

  /** As it was before a restart. */
  restore(kept: {
    readonly state: ContractState
    readonly approved: ContractText | undefined
    readonly approval: Approval | undefined
    readonly change: OpenChange | undefined
    readonly rejected: readonly string[]
    readonly lock: string | undefined
    readonly translations: readonly GivenTranslation[]
  }): void {
    this.translations.restore(kept.translations)
    this.state = kept.state
    this.approved = kept.approved
    this.approval = kept.approval
    this.change = kept.change
    this.lock = kept.lock
    this.rejected.push(...kept.rejected.slice(-mostRejected))
    const { change, approved } = this
    const isBroken = change?.adopted === false && breaks(change.judgement.verdict) && approved !== undefined
    this.refused = isBroken ? this.brokenBy(approved, change.judgement, this.live, this.state) : undefined
    this.settle()
  }

  /** While a change waits for its judgement: what is stood for stays shown, and is not called. */
  unjudged(session: boolean): ToolRuling {
    const { approved, name, upstream } = this
    if (approved === undefined) return held(upstream, name, 'new')
    if (this.waiting !== undefined) {
      this.waiting.ofAll ||= !session
      return this.waiting.ruling
    }
    this.waiting = { ruling: unjudgedRuling(approved, this.older), ofAll: !session }
    return this.waiting.ruling
  }

  /** The ruling for one session, to which the server says something else than to others. */
  rulingOf(weighed: Weighed): ToolRuling {
    const ruling = this.ofSessions.get(weighed) ?? this.ruledFor(weighed)
    this.ofSessions.set(weighed, ruling)
    return ruling
  }

  private ruledFor({ decision, live, judgement }: Weighed): ToolRuling {
    const { approved, upstream, name } = this
    if (approved === undefined) return held(upstream, name, this.state)
    const stands = decision.stands === 'live' ? live : approved
    // By the schema that this session is shown.
    const undeclared = this.watch(stands)
    const told = this.told === undefined ? undefined : { ...this.told, digest: approved.digests?.contract, undeclared }
    if (stands === live && told?.change !== undefined) told.change = { ...told.change, before: this.older.map(refusing) }
    if (stands === live && !decision.cautious) return { shown: 'sent', contract: told }
    const { sent } = cautious(stands, stands === live ? approved : live)
    if (!decision.refused) return { shown: sent, contract: told }
    const change = { live: this.brokenBy(approved, judgement, live, decision.state), before: this.older }
    return { shown: sent, contract: { digest: approved.digests?.contract, state: decision.state, mark: nextMark(), change, undeclared } }
  }

  /** Callers are shown the ruling from now on, and lists that are read before `epoch` are old. False where they were shown it already. */
  inForce(epoch: number): boolean {
    let isNew = false
    for (const step of this.older) {
      if (step.since !== Number.POSITIVE_INFINITY) continue
      step.since = epoch
      isNew = true
    }
    return isNew
  }

  /** They were judged against what stands no more. */
  private forgetWeighed(): void {
    this.weighings.clear()
    this.sessionWeighings.clear()
  }

  /** Its digests are known now. */
  read(): void {
    if (this.told !== undefined) this.told.digest = this.approved?.digests?.contract
  }

  /** Servers are the gateway's, and so is what is known of their tools. */
  private get key(): TenantKey {
    return gatewayKey(this.upstream, this.name)
  }

  private watch(shown: ContractText): UndeclaredArguments {
    return this.parts.undeclared.watch(this.key, () => contractOf(shown.sent).inputSchema)
  }

  /** Who has read what is shown now and is shown `next` then knows another contract. `judgement`: where it is not that of the open change. */
  private stepTo(next: ContractText, own?: Judgement): void {
    const { approved, change, translations, parts } = this
    const judgement = own ?? (change?.adopted === false ? change.judgement : undefined)
    if (approved === undefined || judgement === undefined || !breaks(judgement.verdict) || approved === next) return
    const older = new Older(approved, judgement, parts.compile)
    older.serve(next, translations.inForce(judgement))
    const all = [older, ...this.older]
    this.older = all.slice(0, mostOlder)
    const [oldest, forgotten] = [this.older.at(-1), all[mostOlder]]
    if (oldest !== undefined && forgotten !== undefined) oldest.begins = forgotten.since
  }

  private brokenBy(approved: ContractText, judgement: Judgement, live: ContractText, state: ContractState): BrokenContract {
    // Who does not want the change does not want calls made for it either.
    const way = state === 'rejected' ? undefined : this.translations.inForce(judgement)
    return brokenOf(approved, judgement, way === undefined ? undefined : callsBy(way, approved, live, this.parts.compile))
  }

  private settle(): void {
    const { approved, live, state, refused, older, name, upstream } = this
    for (const one of older) if (one.target !== approved || state === 'split') one.unserved()
    if (approved === undefined) {
      this.told = undefined
      this.ruling = held(upstream, name, state, this.words)
      return
    }
    const change = refused === undefined && older.length === 0 ? undefined : { live: refused, before: older }
    const isUsual = change === undefined && (state === 'admitted' || state === 'approved')
    this.told = { digest: approved.digests?.contract, state, mark: isUsual ? '' : nextMark(), change, undeclared: this.watch(approved) }
    this.ruling = { shown: approved === live ? 'sent' : approved.sent, contract: this.told }
  }
}
