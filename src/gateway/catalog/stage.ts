// The catalog's part of the table: `resolve` and `target` find the upstream of a call, `list` and `discover` answer from the snapshots.
import { isObject } from '../../core/protocol/is-object.ts'
import '../../core/call/facts.ts'
import { type Call, type RoutedCall, routed, type TargetedCall, targeted, type UpstreamId } from '../../core/call/call.ts'
import { type Deprecation, noticeOf, phaseOf } from '../../core/call/deprecation.ts'
import { type Exchange, endReason } from '../../core/call/exchange.ts'
import type { Item, ItemKind } from '../../core/call/item.ts'
import { kindListedBy, kinds } from '../../core/call/item-kinds.ts'
import { complete, failed, type Outcome, unscanned } from '../../core/call/outcome.ts'
import type { Payload } from '../../core/call/payload.ts'
import type { Next, Step } from '../../core/call/stage.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { endedBy } from '../../core/faults/ended.ts'
import { evidence } from '../../core/faults/evidence.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { Contracts } from '../../core/ports/contracts.ts'
import { carriedIn, carriedSpans, type Target, targetOf } from '../../core/protocol/carriers.ts'
import { tasksExtension, versionsMeta } from '../../core/protocol/names.ts'
import { discovery } from './discover.ts'
import { retiredFault } from './families.ts'
import type { GivenLinks } from './given-links.ts'
import { replaced, withLinks } from './links.ts'
import { type Lookup, unavailable } from './lookup.ts'
import type { Mounts, Omitted } from './mounts.ts'
import type { Pages } from './pages.ts'
import type { Selection } from './selection.ts'
import { moved } from './skills.ts'
import { declares, type TaskIds } from './task-ids.ts'

/** How long the first lists wait for servers that were never seen, in ms. */
const firstListMs = 1_500
/** How long a call waits for the tools of a build that has taken the place of another, and how often, in ms. */
const otherBuildMs = 5_000
const otherBuilds = 3

export interface CatalogStages {
  readonly resolve: Step<Call, RoutedCall>
  readonly target: Step<Call, TargetedCall>
  readonly list: Next<Call>
  readonly discover: Next<Call>
}

export interface StageParts {
  readonly mounts: Mounts
  readonly lookup: Lookup
  readonly links: GivenLinks
  readonly pages: Pages
  readonly tasks: TaskIds
  readonly clock: Clock
  readonly contracts: Contracts | undefined
}

export function catalogStages(parts: StageParts): CatalogStages {
  return { resolve: resolve(parts), target: target(parts), list: list(parts), discover: discover(parts) }
}

/** Pins the item of `tools/call`, `prompts/get`, `resources/read` and what skills add to them. A task handle that comes back leaves in its visible form. */
function resolve(parts: StageParts): Step<Call, RoutedCall> {
  const { lookup, links, tasks, mounts } = parts
  const to = (item: Item, selection: Selection, call: Call, exchange: Exchange, next: Next<RoutedCall>, builds = 1): Promise<Outcome> => {
    exchange.note('route', { upstream: item.upstream, item: item.name })
    exchange.note('item', item)
    const ends = item.deprecation === undefined ? undefined : endOf(parts, call, item, item.deprecation)
    if (ends?.refused !== undefined) return refuse(ends.refused)
    const build = item.kind === 'tool' ? mounts.feeds.get(item.upstream)?.build : undefined
    return next(routed(call, item, build), exchange).then((outcome) => {
      if (outcome.kind !== 'task') {
        if (build !== undefined && isOfOtherBuild(outcome)) return anew(outcome, item.upstream, selection, call, exchange, next, builds)
        if (ends?.notice !== undefined) return withLinks(parts, call, selection, item.upstream, withNotice(outcome, ends.notice))
        if (kinds[item.kind].key === 'name') return withLinks(parts, call, selection, item.upstream, outcome)
        return item.name === item.visible ? outcome : withVisibleUris(call, item, outcome)
      }
      const { handle, place, asked } = outcome
      const tool = item.kind === 'tool' ? item.name : undefined
      const visible = tasks.show({ upstream: item.upstream, taskId: handle, place, tool, asked }, call.caller.principal)
      return { ...outcome, result: withTaskId(call, outcome.result, visible) }
    })
  }
  /** Nothing was sent: with the tools of the build that is there now it is found and judged again. */
  const anew = async (
    outcome: Outcome,
    upstream: UpstreamId,
    selection: Selection,
    call: Call,
    exchange: Exchange,
    next: Next<RoutedCall>,
    builds: number,
  ): Promise<Outcome> => {
    const feed = mounts.feeds.get(upstream)
    if (feed === undefined || call.target === undefined || builds > otherBuilds) return outcome
    feed.catchUp()
    await mounts.wait(() => !feed.isOutdated, otherBuildMs, exchange.signal)
    if (feed.isOutdated || exchange.signal.aborted) return outcome
    const looked = await lookup.look(call, exchange, selection, 'tool', call.target)
    return 'item' in looked ? to(looked.item, selection, call, exchange, next, builds + 1) : failed(looked.fault)
  }
  /** Reading is safe to repeat: who does not know the URI says so, and the next is asked. */
  const inTurn = async (
    items: readonly Item[],
    unknown: Fault,
    selection: Selection,
    call: Call,
    exchange: Exchange,
    next: Next<RoutedCall>,
  ): Promise<Outcome> => {
    let unable: Outcome | undefined
    let empty: Outcome | undefined
    for (const item of items) {
      const outcome = await to(item, selection, call, exchange, next)
      if (outcome.kind === 'complete' && items.length > 1 && isEmpty(outcome.result)) empty ??= outcome
      else if (outcome.kind !== 'fault') {
        links.note(call, item.visible, { upstream: item.upstream, own: item.name })
        return outcome
      }
      if (items.length === 1 || exchange.signal.aborted) return outcome
      if (outcome.kind === 'fault' && outcome.fault.kind !== 'upstream_error') unable ??= outcome
    }
    // One that could not answer may be the one that knows.
    return unable ?? empty ?? failed(unknown)
  }
  return {
    name: 'resolve',
    run: (call, exchange, next) => {
      const place = targetOf(call.method, undefined)
      const name = call.target
      if (place === undefined || place.carries === 'task' || place.carries === 'link')
        return refuse(fault('method_not_found', { method: call.method }))
      if (name === undefined) return refuse(missing(place))
      const kind = place.carries === 'uri' ? 'resource' : place.carries
      const selection = lookup.mount(call)
      if ('kind' in selection) return refuse(selection)
      const item = lookup.find(call, selection, kind, name)
      if (item !== undefined) return to(item, selection, call, exchange, next)
      return lookup.look(call, exchange, selection, kind, name).then((looked) => {
        if ('item' in looked) return to(looked.item, selection, call, exchange, next)
        return looked.ask.length === 0 ? failed(looked.fault) : inTurn(looked.ask, looked.fault, selection, call, exchange, next)
      })
    },
  }
}

/** What becomes of a call of a tool whose end is planned. Who may not use it is refused for that, by the stage that knows. */
function endOf(
  { clock, lookup }: StageParts,
  call: Call,
  item: Item,
  plan: Deprecation,
): { readonly refused?: Fault; readonly notice?: string } {
  const phase = phaseOf(plan, clock.now())
  if (phase === 'planned') return {}
  if (phase === 'deprecated') return { notice: noticeOf(plan) }
  return lookup.sees(call, item) ? { refused: retiredFault(item.visible, item.version, plan, phase) } : {}
}

function isOfOtherBuild(outcome: Outcome): boolean {
  return outcome.kind === 'fault' && outcome.fault.evidence?.name === evidence.other_build.name
}

function withNotice(outcome: Outcome, notice: string): Outcome {
  if (outcome.kind !== 'complete') return outcome
  const result = outcome.result.edit([{ path: ['_meta', versionsMeta.deprecation], value: notice }])
  return { ...outcome, result, facts: { ...outcome.facts, hasMeta: true, bytes: result.bytes.length } }
}

/** As some servers answer for what they do not have. */
function isEmpty(result: Payload): boolean {
  const read = result.json()
  return isObject(read) && Array.isArray(read.contents) && read.contents.length === 0
}

function refuse(reason: Fault): Promise<Outcome> {
  return Promise.resolve(failed(reason))
}

/** Finds the upstream of `completion/complete` by its reference and of `tasks/*` by the sealed task id, and writes the upstream's own name. */
function target(parts: StageParts): Step<Call, TargetedCall> {
  return {
    name: 'target',
    run: (call, exchange, next) => {
      const selection = parts.lookup.mount(call)
      if ('kind' in selection) return refuse(selection)
      const place = targetOf(call.method, call.params.json())
      if (place === undefined) return refuse(fault('invalid_params', { reason: 'params.ref names neither a prompt nor a resource' }))
      if (call.target === undefined) return refuse(missing(place))
      return place.carries === 'task'
        ? toTask(parts, selection, place, call.target, call, exchange, next)
        : toReference(parts, selection, place, call.target, call, exchange, next)
    },
  }
}

async function toTask(
  parts: StageParts,
  selection: Selection,
  place: Target,
  name: string,
  call: Call,
  exchange: Exchange,
  next: Next<TargetedCall>,
): Promise<Outcome> {
  const refused = tasksRefusal(call)
  if (refused !== undefined) return failed(refused)
  const ref = parts.tasks.open(name, call.caller.principal)
  if (ref === undefined || !selection.servers.includes(ref.upstream)) {
    return failed(fault('unknown_tool', { what: 'task', name: shortened(name), hint: 'It may have ended, or belongs to somebody else.' }))
  }
  exchange.note('route', { upstream: ref.upstream, item: undefined })
  const params = call.params.edit([{ path: place.path, value: JSON.stringify(ref.taskId) }])
  const tool = ref.tool === undefined ? undefined : parts.lookup.toolOf(call, selection, ref.upstream, ref.tool)
  const origin = tool === undefined ? undefined : { tool, asked: ref.asked }
  const outcome = await next({ ...targeted(call, ref.upstream, params), place: ref.place, origin }, exchange)
  if (outcome.kind !== 'complete') return outcome
  // The id that the client knows, not a new seal of the same task.
  const told = { ...outcome, result: withTaskId(call, outcome.result, name) }
  return withLinks(parts, call, selection, ref.upstream, told)
}

async function toReference(
  { lookup }: StageParts,
  selection: Selection,
  place: Target,
  name: string,
  call: Call,
  exchange: Exchange,
  next: Next<TargetedCall>,
): Promise<Outcome> {
  const kind = place.carries === 'uri' ? 'resource' : 'prompt'
  const template = kind === 'resource' ? lookup.template(call, selection, name) : undefined
  const looked = template === undefined ? await lookup.look(call, exchange, selection, kind, name) : { item: template }
  if ('fault' in looked) return failed(looked.fault)
  const { item } = looked
  exchange.note('route', { upstream: item.upstream, item: item.name })
  exchange.note('item', item)
  const params = item.name === name ? call.params : call.params.edit([{ path: place.path, value: JSON.stringify(item.name) }])
  return next(targeted(call, item.upstream, params), exchange)
}

/** Lists wait a moment for servers that were never seen, once; what comes later is told by a change event. */
function list({ mounts, lookup, pages, clock, contracts }: StageParts): Next<Call> {
  let graceEndsAt: number | undefined
  return async (call, exchange) => {
    const kind = kindListedBy(call.method)
    if (kind === undefined) return failed(fault('method_not_found', { method: call.method }))
    const selection = lookup.mount(call)
    if ('kind' in selection) return failed(selection)
    graceEndsAt ??= clock.mono() + firstListMs
    const settled = (): boolean => !mounts.lacking(selection, kind).some((feed) => feed.hopeful(kind))
    // On the mount of one server an empty list would be a lie: it waits for its start, which hides and delays nobody else.
    const ms = selection.server === undefined ? graceEndsAt - clock.mono() : undefined
    await mounts.wait(settled, ms, exchange.signal)
    if (call.caller.affinity !== undefined) await forSessions(mounts, selection, kind, exchange)
    const isRead = (): boolean => !mounts.feedsOf(selection).some(({ promised }) => promised.isOwed(kind))
    if (!isRead()) await mounts.wait(isRead, firstListMs, exchange.signal)
    const gone = cancelled(call, exchange)
    if (gone !== undefined) return failed(gone)
    if (kinds[kind].extension !== undefined && mounts.without(selection, kind))
      return failed(fault('method_not_found', { method: call.method }))
    const [missing] = selection.server === undefined ? [] : mounts.lacking(selection, kind)
    if (missing !== undefined) return failed(unavailable(missing))
    const params = call.params.json()
    const page = pages.page(
      call,
      mounts.viewFor(selection, call.caller),
      kind,
      isObject(params) ? params.cursor : undefined,
      omitted(lookup, call, selection, kind),
    )
    if (page === undefined) return failed(fault('invalid_cursor', { list: kinds[kind].member }))
    if (kind === 'tool') contracts?.read(call, !isObject(params) || params.cursor === undefined)
    return answered(page)
  }
}

function omitted(lookup: Lookup, call: Call, selection: Selection, kind: ItemKind): readonly Omitted[] {
  const away = lookup.omitted(call, selection, kind)
  return kind === 'tool' ? [...away, ...lookup.unpinnable(call, selection)] : away
}

/** Its client has a session: a server may have more for it, which is asked for once. */
async function forSessions(mounts: Mounts, selection: Selection, kind: ItemKind, exchange: Exchange): Promise<void> {
  const feeds = mounts.feedsOf(selection)
  for (const { widening } of feeds) widening.want()
  const settled = (): boolean => !feeds.some((feed) => feed.widening.awaits(kind))
  if (!settled()) await mounts.wait(settled, firstListMs, exchange.signal)
}

function discover({ mounts, lookup }: StageParts): Next<Call> {
  return async (call, exchange) => {
    const selection = lookup.mount(call)
    if ('kind' in selection) return failed(selection)
    const feeds = mounts.feedsOf(selection)
    const [only] = feeds
    if (selection.server !== undefined && only !== undefined) {
      const known = (): boolean => only.snapshot?.about.capabilities !== undefined
      await mounts.wait(() => known() || !only.hopeful('tool'), undefined, exchange.signal)
      const gone = cancelled(call, exchange)
      if (gone !== undefined) return failed(gone)
      if (!known()) return failed(unavailable(only))
      if (call.caller.affinity !== undefined) await forSessions(mounts, selection, 'tool', exchange)
    }
    const { access } = lookup
    const reached = access === undefined ? feeds : feeds.filter(({ id }) => access.reaches(call.caller, id))
    return answered(discovery(selection, feeds, reached))
  }
}

function answered(result: Payload): Outcome {
  return complete(result, unscanned(result.bytes.length))
}

/** Undefined also where only the deadline passed: then the answer is that the server is away. */
function cancelled({ method }: Call, exchange: Exchange): Fault | undefined {
  const reason = endReason(exchange.signal)
  return reason === undefined || reason === 'deadline' ? undefined : endedBy(reason, method)
}

/** The refusal for a client that uses tasks without having declared them (SEP-2663). */
function tasksRefusal(call: Call): Fault | undefined {
  if (declares(call.caller.capabilities.extensions, tasksExtension)) return undefined
  return fault('missing_capability', { needs: tasksExtension, requiredCapabilities: { extensions: { [tasksExtension]: {} } } })
}

/** Where a skill has another URI on this mount than at its server, so have the URIs that a client would ask for next. */
function withVisibleUris(call: Call, item: Item, outcome: Outcome): Outcome {
  if (outcome.kind !== 'complete' || kinds[item.kind].key !== 'uri') return outcome
  const spans = carriedSpans(call.method, 'uri', outcome.result.bytes)
  // To change one of the two would be to choose between them.
  if (spans === undefined) {
    return failed(
      fault('upstream_protocol_error', { upstream: item.upstream, reason: `a member of the result of ${call.method} stands twice` }),
    )
  }
  return replaced(outcome, spans, (own) => moved(own, item.name, item.visible))
}

function withTaskId(call: Call, result: Payload, visible: string): Payload {
  const edits = carriedIn('result', call.method, result.json()).flatMap(({ carries, path }) =>
    carries === 'task' ? [{ path, value: JSON.stringify(visible) }] : [],
  )
  return result.edit(edits)
}

function missing({ path }: Target): Fault {
  return fault('invalid_params', { reason: `params.${path.join('.')} is missing` })
}

function shortened(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text
}
