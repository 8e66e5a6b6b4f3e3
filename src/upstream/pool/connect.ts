// Makes a connection: finds out the era and the transport, opens the wire, greets the server. What was found is a verdict that later
// connections start from; only a success makes one.
import { fault } from '../../core/faults/catalogue.ts'
import { evidence } from '../../core/faults/evidence.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { Connection } from '../connection.ts'
import type { Context } from '../context.ts'
import type { Belonging } from '../legacy/belonging.ts'
import { LegacyConnection } from '../legacy/connection.ts'
import { shakeHands } from '../legacy/handshake.ts'
import { ModernConnection } from '../modern/connection.ts'
import { type Discovered, probe } from '../modern/probe.ts'
import { type Dial, isFault } from '../wire/dial.ts'
import type { HttpWire, Wire } from '../wire/wire.ts'

export interface Detected {
  readonly era: 'modern' | 'legacy'
  readonly transport: Wire['transport']
  /** False where a legacy server gave no session over HTTP: then one connection serves all. */
  readonly sessionful: boolean
  /** Monotonic ms; a legacy verdict is looked at again, since a server that learned the new revision would never be noticed. */
  readonly expiresAt: number
}

/** How long a legacy verdict holds, in ms. */
const legacyHoldsMs = 86_400_000

export type Connected =
  | { readonly connection: Connection; readonly detected: Detected }
  /** `settled`: the server itself has said it, so no other transport is tried. */
  | { readonly fault: Fault; readonly settled?: boolean }

export async function connect(context: Context, dial: Dial, belonging: Belonging, known: Detected | undefined): Promise<Connected> {
  const detected = known !== undefined && context.clock.mono() < known.expiresAt ? known : undefined
  if (context.settings.command !== undefined) return connectChild(context, dial, belonging, detected)
  return connectHttp(context, dial, belonging, detected)
}

async function connectChild(context: Context, dial: Dial, belonging: Belonging, detected: Detected | undefined): Promise<Connected> {
  const era = detected?.era ?? context.settings.era
  if (era === 'legacy') return greetChild(context, dial, belonging, false, detected)
  const wire = await dial.stdio()
  if (isFault(wire)) return { fault: wire }
  const timeoutMs = era === 'modern' ? context.timeouts.start : context.timeouts.probe
  const probed = await probe(wire, context, belonging.lease, timeoutMs)
  if (probed.kind === 'modern') return modern(context, wire, probed.discovered, belonging)
  if (probed.kind === 'inconclusive') {
    await wire.close()
    return { fault: probed.fault }
  }
  // A child that was asked before `initialize` may be in any state: old servers exit, wait or confuse themselves. Take a fresh one.
  const words = lastWords(wire)
  await wire.close()
  if (context.settings.era === 'modern') return { fault: startFailed(context, `it speaks no 2026-07-28: ${probed.reason}`, words) }
  return greetChild(context, dial, belonging, probed.silent, undefined)
}

/** `slow`: the probe was not answered in time, so the server may be a modern one that starts slowly. */
async function greetChild(
  context: Context,
  dial: Dial,
  belonging: Belonging,
  slow: boolean,
  detected: Detected | undefined,
): Promise<Connected> {
  const wire = await dial.stdio()
  if (isFault(wire)) return { fault: wire }
  const hands = await shakeHands(wire, context, belonging.lease, context.timeouts.start)
  if (hands.kind === 'ready') return legacy(context, new LegacyConnection(context, wire, hands, belonging), detected)
  if (hands.kind === 'refused' && slow) {
    const probed = await probe(wire, context, belonging.lease, context.timeouts.probe)
    if (probed.kind === 'modern') return modern(context, wire, probed.discovered, belonging)
  }
  const words = lastWords(wire)
  await wire.close()
  if (hands.fault.kind === 'config_error') return { fault: hands.fault }
  const reason = typeof hands.fault.detail.reason === 'string' ? hands.fault.detail.reason : hands.fault.message
  return { fault: hands.fault.kind === 'upstream_start_failed' ? hands.fault : startFailed(context, reason, words) }
}

async function connectHttp(context: Context, dial: Dial, belonging: Belonging, detected: Detected | undefined): Promise<Connected> {
  const { settings } = context
  if (settings.transport === 'sse') return connectSse(context, dial, belonging, detected)
  if (detected?.transport === 'sse') {
    const known = await connectSse(context, dial, belonging, detected)
    return 'connection' in known || known.settled === true || isUnreachable(known.fault)
      ? known
      : connectHttp(context, dial, belonging, undefined)
  }
  const era = detected?.era ?? settings.era
  if (era !== 'legacy') {
    const wire = dial.http(false)
    const probed = await probe(wire, context, belonging.lease, context.timeouts.probe)
    if (probed.kind === 'modern') return modern(context, wire, probed.discovered, belonging)
    await wire.close()
    if (probed.kind === 'inconclusive') return { fault: probed.fault }
    if (settings.era === 'modern') return { fault: broken(context, `it speaks no 2026-07-28: ${probed.reason}`) }
  }
  const wire: HttpWire = dial.http(true)
  const hands = await shakeHands(wire, context, belonging.lease, context.timeouts.start)
  if (hands.kind === 'ready') return legacy(context, new LegacyConnection(context, wire, hands, belonging), detected)
  await wire.close()
  // It took this before and does not any more: perhaps it has learned another era meanwhile.
  if (hands.kind === 'refused' && detected?.era === 'legacy') return connectHttp(context, dial, belonging, undefined)
  const elsewhere = hands.kind === 'refused' && (hands.status === 400 || hands.status === 404 || hands.status === 405)
  if (!elsewhere || settings.transport !== 'auto') return { fault: hands.fault }
  const older = await connectSse(context, dial, belonging, undefined)
  // Neither transport: what the newer one said is the better explanation.
  return 'fault' in older && older.settled !== true ? { fault: hands.fault } : older
}

async function connectSse(context: Context, dial: Dial, belonging: Belonging, detected: Detected | undefined): Promise<Connected> {
  const wire = await dial.sse(belonging.lease)
  if (isFault(wire)) return { fault: wire }
  const { interactivity: learned } = belonging
  const hands = await shakeHands(wire, context, belonging.lease, context.timeouts.start)
  if (hands.kind === 'ready') {
    learned.greeted = hands
    return legacy(context, new LegacyConnection(context, wire, hands, belonging), detected)
  }
  // The stream was lost, and the process behind the bridge lives on: where no other connection of ours has it, it goes on with this one.
  const known = hands.kind === 'refused' && hands.again && context.settings.sharing === 'shared' ? learned.greeted : undefined
  if (known !== undefined) return legacy(context, new LegacyConnection(context, wire, known, belonging), detected)
  await wire.close()
  return { fault: hands.fault, settled: hands.kind === 'refused' && hands.again }
}

function modern(context: Context, wire: Wire, discovered: Discovered, belonging: Belonging): Connected {
  const connection = new ModernConnection(context, wire, discovered, belonging.lease, () => belonging.turned('modern'))
  const detected: Detected = { era: 'modern', transport: wire.transport, sessionful: false, expiresAt: Number.POSITIVE_INFINITY }
  return { connection, detected }
}

/** A verdict that was believed, not made, keeps its age. */
async function legacy(context: Context, connection: LegacyConnection, detected: Detected | undefined): Promise<Connected> {
  const refused = await connection.begin()
  if (refused !== undefined) {
    await connection.close()
    return { fault: refused }
  }
  const { transport } = connection.description
  const expiresAt = detected?.expiresAt ?? context.clock.mono() + legacyHoldsMs
  return { connection, detected: { era: 'legacy', transport, sessionful: connection.sessionful, expiresAt } }
}

/** Nothing is there that could have an era. */
function isUnreachable({ kind }: Fault): boolean {
  return kind === 'upstream_unavailable' || kind === 'upstream_timeout' || kind === 'overloaded'
}

/** The end of what a child said on stderr, where the wire keeps it. */
function lastWords(wire: Wire): string {
  return 'lastWords' in wire && typeof wire.lastWords === 'function' ? String(wire.lastWords()) : ''
}

function startFailed(context: Context, reason: string, words: string): Fault {
  const detail = { upstream: context.id, reason, ...(words === '' ? {} : { stderr: words }) }
  return fault('upstream_start_failed', detail, { evidence: evidence.start_failed })
}

function broken(context: Context, reason: string): Fault {
  return fault('upstream_protocol_error', { upstream: context.id, reason }, { evidence: evidence.answer_invalid })
}
