// Makes a connection: finds out the era and the transport, opens the wire, greets the server. What was found is a verdict that later
// connections start from; only a success makes one.

import type { Signal } from '../../core/call/signal.ts'
import { fault, type Kind } from '../../core/faults/catalogue.ts'
import { evidence } from '../../core/faults/evidence.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { CredentialLease } from '../../core/ports/credentials.ts'
import { dayMs } from '../../core/text/duration.ts'
import type { Connection } from '../connection.ts'
import type { Context } from '../context.ts'
import { isUnreachable } from '../http/failures.ts'
import type { Belonging } from '../legacy/belonging.ts'
import { LegacyConnection } from '../legacy/connection.ts'
import { type Declaration, firstDeclaration, insteadOf, knowsFull } from '../legacy/declaration.ts'
import { EarlyMessages } from '../legacy/early-messages.ts'
import { type Handshake, shakeHands } from '../legacy/handshake.ts'
import { ModernConnection } from '../modern/connection.ts'
import { type Discovered, type Probed, probe, probeFault } from '../modern/probe.ts'
import { type Dial, isFault } from '../wire/dial.ts'
import { Opening } from '../wire/opening.ts'
import type { HttpWire, Wire } from '../wire/wire.ts'

export interface Detected {
  readonly era: 'modern' | 'legacy'
  readonly transport: Wire['transport']
  /** False where a legacy server gave no session over HTTP: then one connection serves all. */
  readonly sessionful: boolean
  /** Monotonic ms; a legacy verdict is looked at again, since a server that learned the new revision would never be noticed. */
  readonly expiresAt: number
  /** The server took `initialize`, but no answer to the probe said that it knows nothing newer. */
  readonly provisional?: boolean
  /** What a legacy server is told in `initialize`, since it took that or its answer showed that it knows it. */
  readonly declaration?: Declaration
}

/** How long a legacy verdict holds, in ms. */
export const legacyHoldsMs = dayMs

export type Connected =
  | { readonly connection: Connection; readonly detected: Detected }
  /**
   * `settled`: the server itself has said it, or is gone: no other way to speak to it is tried, and none is advised. `instead`: it asks for
   * another greeting.
   */
  | { readonly fault: Fault; readonly settled?: boolean; readonly instead?: Declaration | undefined }

/** One connection on its way. */
interface Attempt {
  readonly context: Context
  readonly dial: Dial
  readonly belonging: Belonging
  /** What is believed of the server. */
  readonly detected: Detected | undefined
  /** What `initialize` begins with. */
  readonly declaration: Declaration
}

/** `ended`: nobody wants the connection any more; the attempt is then over at once. */
export async function connect(
  context: Context,
  dial: Dial,
  belonging: Belonging,
  known: Detected | undefined,
  ended: Signal,
): Promise<Connected> {
  const detected = known !== undefined && context.clock.mono() < known.expiresAt ? known : undefined
  const opening = new Opening(dial, ended, context.report)
  const attempt: Attempt = { context, dial: opening, belonging, detected, declaration: detected?.declaration ?? firstOver(context) }
  return find(attempt).finally(() => opening.over())
}

/** A process that is made only to be asked for its era may be told the least, and shows by that whether the next one can be told all. */
function firstOver({ settings }: Context): Declaration {
  return settings.command !== undefined && settings.era !== 'legacy' ? firstDeclaration : { ...firstDeclaration, form: 'full' }
}

async function find(attempt: Attempt): Promise<Connected> {
  const connected = await (attempt.context.settings.command !== undefined ? connectChild(attempt) : connectHttp(attempt))
  if ('connection' in connected || connected.settled === true || attempt.detected !== undefined) return connected
  return { fault: withAdvice(attempt.context, connected.fault) }
}

/** Whether a server that answered no probe in time speaks the modern revision, asked with all the time that a start may take. */
export async function look(context: Context, dial: Dial, lease: CredentialLease, ended: Signal): Promise<'modern' | 'legacy' | 'unknown'> {
  const opening = new Opening(dial, ended, context.report)
  return lookBy(context, opening, lease).finally(() => opening.over())
}

async function lookBy(context: Context, dial: Dial, lease: CredentialLease): Promise<'modern' | 'legacy' | 'unknown'> {
  const wire = context.settings.command !== undefined ? await dial.stdio() : dial.http(false, lease)
  if (isFault(wire)) return 'unknown'
  const early = new EarlyMessages(context, wire, {})
  const probed = await probe(wire, context, lease, context.timeouts.start)
  early.end()
  await wire.close()
  if (probed.kind === 'modern') return 'modern'
  return probed.kind === 'legacy' && !probed.silent && probed.died === undefined ? 'legacy' : 'unknown'
}

async function connectChild(attempt: Attempt): Promise<Connected> {
  const { context, dial, belonging, detected } = attempt
  const era = detected?.era ?? context.settings.era
  if (era === 'legacy') return greetChild(attempt, undefined)
  const wire = await dial.stdio()
  if (isFault(wire)) return { fault: wire }
  const early = new EarlyMessages(context, wire, {})
  const timeoutMs = era === 'modern' ? context.timeouts.start : context.timeouts.probe
  const probed = await probe(wire, context, belonging.lease, timeoutMs)
  if (probed.kind === 'modern') return modern(context, wire, probed.discovered, belonging)
  early.end()
  const declaration = await declarationFor(attempt, wire, probed)
  // A child that was asked before `initialize` may be in any state: old servers exit, wait or confuse themselves. Take a fresh one.
  const words = lastWords(wire)
  await wire.close()
  if (context.settings.era !== 'modern') return greetChild({ ...attempt, detected: undefined, declaration }, probed)
  if (probed.kind === 'inconclusive') return { fault: probed.fault }
  return { fault: startFailed(context, `it speaks no 2026-07-28: ${probed.reason}`, words) }
}

/** What the fresh child is greeted with: the one that was asked first may show, before it goes, that it knows the full form. */
async function declarationFor({ context, belonging, declaration }: Attempt, wire: Wire, probed: Unsettled): Promise<Declaration> {
  if (context.settings.era === 'modern' || probed.kind !== 'legacy' || probed.silent || probed.died === true) return declaration
  const hands = await shakeHands(wire, context, belonging.lease, context.timeouts.probe, declaration, belonging.askable)
  const knows = hands.kind === 'ready' && hands.declaration.form === 'plain' && knowsFull(hands.revision)
  return knows ? { ...declaration, form: 'full' } : declaration
}

async function greetChild(attempt: Attempt, probed: Unsettled | undefined): Promise<Connected> {
  const { context, dial, belonging, declaration } = attempt
  const wire = await dial.stdio()
  if (isFault(wire)) return { fault: wire }
  const hands = await shakeHands(wire, context, belonging.lease, context.timeouts.start, declaration, belonging.askable)
  if (hands.kind === 'ready') return legacy(attempt, wire, hands, probed)
  // The probe was not answered in time, so the server may be a modern one that starts slowly.
  if (hands.kind === 'refused' && probed?.kind === 'legacy' && probed.silent) {
    const again = await probe(wire, context, belonging.lease, context.timeouts.probe)
    if (again.kind === 'modern') return modern(context, wire, again.discovered, belonging)
  }
  const words = lastWords(wire)
  await wire.close()
  // It may have died of the full form.
  if (hands.kind === 'failed' && declaration.form === 'full') return greetChild({ ...attempt, declaration: firstDeclaration }, probed)
  if (hands.fault.kind === 'config_error') return { fault: hands.fault }
  if (probed?.kind === 'inconclusive') return { fault: probed.fault }
  const reason = typeof hands.fault.detail.reason === 'string' ? hands.fault.detail.reason : hands.fault.message
  const found = hands.fault.kind === 'upstream_start_failed' ? hands.fault : startFailed(context, reason, words)
  return { fault: found, settled: hasEnded(hands) }
}

async function connectHttp(attempt: Attempt): Promise<Connected> {
  const { context, dial, belonging, detected, declaration } = attempt
  const { settings } = context
  if (settings.transport === 'sse') return connectSse(attempt)
  if (detected?.transport === 'sse') {
    const known = await connectSse(attempt)
    const isAnswer = 'connection' in known || known.settled === true || isOutage(known.fault)
    return isAnswer ? known : find({ ...attempt, detected: undefined })
  }
  let probed: Unsettled | undefined
  if ((detected?.era ?? settings.era) !== 'legacy') {
    const wire = dial.http(false, belonging.lease)
    const found = await probe(wire, context, belonging.lease, context.timeouts.probe)
    if (found.kind === 'modern') return modern(context, wire, found.discovered, belonging)
    await wire.close()
    probed = found
    if (settings.era === 'modern') return { fault: notModern(attempt, found) }
    if (found.kind === 'inconclusive' && isUnreachable(found.fault)) return { fault: found.fault }
  }
  const wire: HttpWire = dial.http(true, belonging.lease)
  const hands = await shakeHands(wire, context, belonging.lease, context.timeouts.start, declaration, belonging.askable)
  if (hands.kind === 'ready') {
    const made = await legacy(attempt, wire, hands, probed)
    // Always an older one, so this ends.
    return 'fault' in made && made.instead !== undefined ? connectHttp({ ...attempt, declaration: made.instead }) : made
  }
  await wire.close()
  if (mayHaveLostByForm(attempt, hands)) return connectHttp({ ...attempt, declaration: firstDeclaration })
  // It took this before and does not any more: perhaps it has learned another era meanwhile.
  if (hands.kind === 'refused' && detected?.era === 'legacy') return find({ ...attempt, detected: undefined })
  const found = {
    fault: isOfCredential(hands.fault) || probed?.kind !== 'inconclusive' ? hands.fault : probeFault(context, belonging.lease, probed),
  }
  const mayBeElsewhere = settings.transport === 'auto' && detected?.era !== 'legacy' && !isUnreachable(hands.fault)
  if (!mayBeElsewhere || found.fault.evidence?.renew === 'credential') return found
  const older = await connectSse({ ...attempt, detected: undefined }, true)
  // Neither transport: what the newer one said is the better explanation.
  return 'fault' in older && older.settled !== true ? found : older
}

/** `guess`: this is tried since nothing else worked. */
async function connectSse(attempt: Attempt, guess = false): Promise<Connected> {
  const { context, dial, belonging, declaration } = attempt
  const wire = await dial.sse(belonging.lease, guess)
  if (isFault(wire)) return { fault: wire }
  const { interactivity: learned } = belonging
  const hands = await shakeHands(wire, context, belonging.lease, context.timeouts.start, declaration, belonging.askable)
  if (hands.kind === 'ready') {
    learned.greeted = hands
    return legacy(attempt, wire, hands, undefined)
  }
  // The stream was lost, and the process behind the bridge lives on: where no other connection of ours has it, it goes on with this one.
  const known = hands.kind === 'refused' && hands.again && context.settings.sharing === 'shared' ? learned.greeted : undefined
  if (known !== undefined) return legacy(attempt, wire, { ...known, early: [] }, undefined)
  await wire.close()
  return { fault: hands.fault, settled: hands.kind === 'refused' && hands.again }
}

/** The process is gone, and has answered nothing: what it would have spoken is not the question. */
function hasEnded(hands: Exclude<Handshake, { kind: 'ready' }>): boolean {
  return hands.kind === 'failed' && hands.fault.kind !== 'upstream_timeout' && hands.fault.kind !== 'upstream_protocol_error'
}

/** The connection broke over a greeting of the full form: it may be that, and not an outage. */
function mayHaveLostByForm({ detected, declaration }: Attempt, hands: Exclude<Handshake, { kind: 'ready' }>): boolean {
  if (detected !== undefined || declaration.form !== 'full' || hands.kind !== 'failed') return false
  return !isOutage(hands.fault) || hands.fault.evidence?.name === 'connection_lost'
}

function modern(context: Context, wire: Wire, discovered: Discovered, belonging: Belonging): Connected {
  const connection = new ModernConnection(context, wire, discovered, belonging.lease, () => belonging.turned('modern'))
  const detected: Detected = { era: 'modern', transport: wire.transport, sessionful: false, expiresAt: Number.POSITIVE_INFINITY }
  return { connection, detected }
}

/** A probe that has found no modern server. */
type Unsettled = Exclude<Probed, { kind: 'modern' }>

/** A verdict that was believed, not made, keeps its age. */
async function legacy(
  { context, belonging, detected, declaration: wanted }: Attempt,
  wire: Wire,
  hands: Extract<Handshake, { kind: 'ready' }>,
  probed: Unsettled | undefined,
): Promise<Connected> {
  const connection = new LegacyConnection(context, wire, hands, belonging)
  const refused = await connection.begin()
  if (refused !== undefined) {
    await connection.close()
    return { fault: refused, instead: insteadOf(hands.revision, String(refused.detail.said ?? '')) }
  }
  const { declaration } = hands
  const isNew = wanted.form === 'plain' && detected?.declaration === undefined && connection.declaresLess
  return {
    connection,
    detected: {
      era: 'legacy',
      transport: connection.description.transport,
      sessionful: connection.sessionful,
      expiresAt: detected?.expiresAt ?? context.clock.mono() + legacyHoldsMs,
      provisional: detected?.provisional ?? (probed !== undefined && (probed.kind === 'inconclusive' || probed.silent)),
      declaration: isNew && declaration.form === 'plain' ? { ...declaration, form: 'full' } : declaration,
    },
  }
}

/** Nothing is there that could have an era. */
function isOutage({ kind }: Fault): boolean {
  return kind === 'upstream_unavailable' || kind === 'upstream_timeout' || kind === 'overloaded'
}

function isOfCredential({ kind }: Fault): boolean {
  return kind === 'upstream_auth_failed'
}

/** The end of what a child said on stderr, where the wire keeps it. */
function lastWords(wire: Wire): string {
  return 'lastWords' in wire && typeof wire.lastWords === 'function' ? String(wire.lastWords()) : ''
}

function startFailed(context: Context, reason: string, words: string): Fault {
  const detail = { upstream: context.id, reason, ...(words === '' ? {} : { stderr: words }) }
  return fault('upstream_start_failed', detail, { evidence: evidence.start_failed })
}

function notModern({ context, belonging }: Attempt, probed: Unsettled): Fault {
  if (probed.kind === 'inconclusive') return probeFault(context, belonging.lease, probed)
  const reason = `it speaks no 2026-07-28: ${probed.reason}`
  return fault('upstream_protocol_error', { upstream: context.id, reason }, { evidence: evidence.answer_invalid })
}

/** Where something answered and was not understood, the settings are named that spare the gateway the finding out. */
function withAdvice({ settings }: Context, found: Fault): Fault {
  if (isUnreachable(found) || found.kind === 'config_error' || found.kind === 'overloaded') return found
  const pins = [
    ...(settings.era === 'auto' ? ['`era:`'] : []),
    ...(settings.command === undefined && settings.transport === 'auto' ? ['`transport:`'] : []),
  ]
  if (pins.length === 0) return found
  const advice = `What it speaks is found out by trying; ${pins.join(' and ')} of the server ${pins.length === 1 ? 'says' : 'say'} it instead.`
  const { evidence: seen, retryable, retryAfterMs, challenge } = found
  return fault(found.kind as Kind, { ...found.detail, advice }, { evidence: seen, retryable, retryAfterMs, challenge })
}
