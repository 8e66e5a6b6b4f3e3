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
  type OlderContract,
  type UndeclaredArguments,
} from '../../core/call/contract.ts'
import type { UpstreamId } from '../../core/call/item.ts'
import { payload } from '../../core/call/payload.ts'
import { gatewayKey, type TenantKey } from '../../core/call/tenant-key.ts'
import type { ListedTool, ToolRuling } from '../../core/ports/contracts.ts'
import { cautiousEdits, type Decision } from './admission.ts'
import { type ContractText, contractOf, idOf, unread } from './contract-text.ts'
import { Older } from './older.ts'
import type { Screening } from './screening/screening.ts'
import { brokenOf, type CompileSchema, callsBy, type GivenTranslation, Translations } from './translations.ts'
import { Turns } from './turns.ts'
import { isOverSince, type UndeclaredNames } from './undeclared.ts'
import { Weighings } from './weighings.ts'

/** Who stands for the contract that is shown, and why. */
export interface Approval {
  readonly as: 'admitted' | 'approved' | 'rejected'
  /** `firstUse`, `open`, `lock`, `drift`, or the operator's name. */
  readonly by: string
  readonly reason: string | undefined
  readonly atMs: number
}

/** How the live contract differs from the approved one. */
export interface OpenChange extends Pick<Weighed, 'judgement' | 'screened'> {
  /** What is shown is the live one, but for what is held back of it. */
  readonly adopted: boolean
}

/** What was found of one text of the server, against what is stood for. */
export interface Weighed {
  readonly live: ContractText
  readonly judgement: Judgement
  readonly screened: Screening | undefined
  readonly decision: Decision
}

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

let marks = 0

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

  /** What the server says is as stood for again. */
  back(isSplit: boolean): void {
    this.live = this.approved ?? this.live
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

  /** The server says something else, which was judged. `adopter`: who stands for what is taken without an operator. */
  take(weighed: Weighed, adopter: Approval, isSplit: boolean): void {
    const { decision, live } = weighed
    this.live = live
    this.latest = weighed.judgement
    this.waiting = undefined
    const stands = decision.stands === 'live' && !isSplit ? live : (this.approved ?? live)
    const text = decision.cautious ? cautious(stands, stands === live ? this.approved : live) : stands
    if (stands === live) {
      this.stepTo(text, weighed.judgement)
      this.approval = adopter
    }
    if (text !== this.approved) this.forgetWeighed()
    this.approved = text
    this.state = isSplit ? 'split' : decision.state
    this.change = text === live ? undefined : { judgement: weighed.judgement, screened: weighed.screened, adopted: stands === live }
    this.refused = decision.refused ? this.brokenBy(stands, weighed.judgement, live, decision.state) : undefined
    this.settle()
  }

  /** Of several contracts that take turns one breaks callers: nobody knows which of them a call meets. */
  refuse({ judgement }: Weighed): void {
    // A translated call may meet the one that was not replaced.
    if (this.approved !== undefined) this.refused = brokenOf(this.approved, judgement, undefined)
    this.settle()
  }

  /** The operator does not want what the server says: its change, or the tool where it is as it was let in. */
  reject(approval: Approval): void {
    if (this.change === undefined) this.approved = undefined
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
    const human = 'it changes more often than its changes are judged'
    const live: BrokenContract = {
      known: approved.digests ?? unread,
      current: undefined,
      human,
      changes: [],
      adapter: undefined,
    }
    const contract: ItemContract = {
      digest: approved.digests?.contract,
      state: 'changed:breaking',
      mark: nextMark(),
      change: { live, before: this.older },
    }
    this.waiting = { ruling: { shown: approved.sent, contract }, ofAll: !session }
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
    // Older contracts are judged against what is shown to all.
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
    return brokenOf(approved, judgement, callsBy(way, live, this.parts.compile))
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

function refusing(older: Older): OlderContract {
  const { begins, definition, broken } = older
  return {
    begins,
    definition,
    broken: { ...broken, adapter: undefined },
    get since() {
      return older.since
    },
    get validate() {
      return older.validate
    },
  }
}

function nextMark(): string {
  marks += 1
  return `:${marks}`
}

function held(upstream: UpstreamId, name: string, state: ContractState, words?: Screening): ToolRuling {
  const isHeld = state === 'new' && words !== undefined
  const why = state === 'rejected' ? 'an operator has rejected it' : isHeld ? 'its words are held' : 'nobody has admitted it'
  return { shown: 'nothing', reason: `${why}; \`signalbox tools approve ${upstream}.${name}\` lets it in`, contract: undefined }
}

/** The text of `stands`, without what it says more of its behaviour than both do. */
function cautious(stands: ContractText, other: ContractText | undefined): ContractText {
  const edits = other === undefined ? [] : cautiousEdits(contractOf(stands.sent), contractOf(other.sent))
  return edits.length === 0 ? stands : { sent: payload(stands.sent.edit(edits).bytes), digests: undefined }
}
