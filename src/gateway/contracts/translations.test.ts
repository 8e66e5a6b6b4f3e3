// Translations that somebody puts into force, and calls by contracts that were shown before.
import { describe, expect, it } from 'vitest'
import { testDurable } from '../../../test/doubles/durable.ts'
import { callOf, exchangeOf, faultOf } from '../../../test/doubles/gateway/catalog-rig.ts'
import { type RegistryRig, registryRig, stateOf, toolOf } from '../../../test/doubles/gateway/contracts-rig.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { silentReport } from '../../../test/doubles/report.ts'
import { type RoutedCall, routed } from '../../core/call/call.ts'
import type { ToolContract } from '../../core/call/contract.ts'
import type { Item } from '../../core/call/item.ts'
import { complete, type Outcome, unscanned } from '../../core/call/outcome.ts'
import { emptyObject, type Payload, payloadOf } from '../../core/call/payload.ts'
import { unconfigured } from '../../core/call/tool-settings.ts'
import type { Ruled } from '../../core/ports/contracts.ts'
import { gateSchema } from '../policy/schema-gate.ts'
import { validate } from '../policy/stage.ts'
import { contractsDomain } from './history.ts'
import { digestsOf } from './judge/digests.ts'
import { adapt, contract } from './stage.ts'

const text = { type: 'string' }
const integer = { type: 'integer' }
const reads = { annotations: { readOnlyHint: true } }
const tool = (properties: Record<string, unknown>, more: Record<string, unknown> = {}) => toolOf('book', properties, more)

/** What reaches the server of a call of the only tool; else the kind of its fault. `reader`: the session, undefined of a client that has read nothing. */
async function sent(
  { registry, clock }: RegistryRig,
  ruled: Ruled,
  args: unknown,
  session: string,
  result: Payload = emptyObject,
): Promise<{ args?: unknown; result?: unknown; fault?: string; detail?: Record<string, unknown> | undefined }> {
  const [ruling] = ruled.rulings
  const shown = ruling?.shown === 'sent' ? listed : (ruling?.shown as Payload)
  const schema = (shown.json() as { inputSchema: unknown }).inputSchema
  const item = {
    ...{ kind: 'tool', upstream: 'up', name: 'book', visible: 'book', definition: shown, generation: 1, settings: unconfigured },
    ...{
      traits: { readOnly: false, destructive: true, idempotent: false },
      headers: [],
      validate: gateSchema(schema).validate,
      declaresOutput: false,
    },
    contract: ruling?.contract,
  } as unknown as Item
  const call = routed(sessionCall('tools/call', session, args), item)
  const exchange = exchangeOf(clock)
  let reached: unknown
  const server = async (one: RoutedCall): Promise<Outcome> => {
    reached = (one.params.json() as { arguments?: unknown }).arguments
    return complete(result, { ...unscanned(2), hasStructure: true })
  }
  const outcome = await contract((one) => registry.readBy(one)).run(call, exchange, (one) =>
    validate.run(one, exchange, (valid) => adapt.run(valid, exchange, server)),
  )
  if (outcome.kind === 'complete') return { args: reached, result: outcome.result.json() }
  const fault = faultOf(outcome)
  return { fault: fault?.kind, detail: fault?.detail }
}

let listed: Payload = emptyObject

async function list(rig: RegistryRig, definition: ToolContract): Promise<Ruled> {
  listed = payloadOf(definition)
  return rig.list([definition])
}

function sessionCall(method: 'tools/call' | 'tools/list', session: string, args: unknown = {}) {
  const call = callOf(method, method === 'tools/call' ? { name: 'book', arguments: args } : {})
  return { ...call, caller: { ...call.caller, affinity: session } }
}

function read(rig: RegistryRig, session: string): void {
  rig.registry.read(sessionCall('tools/list', session), true)
}

const asked = (expect: readonly string[], translation?: Parameters<RegistryRig['operators']['decide']>[2]['translation']) => ({
  action: 'approve' as const,
  by: 'ana',
  reason: 'PR 212',
  expect,
  translation,
})
const approve = (rig: RegistryRig, now: ToolContract, translation?: Parameters<typeof asked>[1]) =>
  rig.operators.decide('up', 'book', asked([digestsOf(now).exact], translation))
const asProposed = { asked: {}, override: false }

describe('a translation that an operator puts into force', () => {
  it('is that of a tool that writes, to exactly what was seen, and is kept', async () => {
    const durable = testDurable({
      ...{ domains: [contractsDomain] },
      clock: new ManualClock(),
      report: silentReport,
    })
    const rig = registryRig({ durable })
    const [old, now] = [tool({ ref: text }), tool({ target: text })]
    await list(rig, old)
    const held = await list(rig, now)
    expect(await sent(rig, held, { ref: 'a' }, 's')).toMatchObject({ fault: 'tool_changed' })
    expect(rig.operators.find('up', 'book')?.change?.translation).toMatchObject({ inForce: false, does: 'ref becomes target' })
    expect(await approve(rig, old, asProposed)).toMatchObject({ ok: false, why: 'expect' })
    expect(await approve(rig, now, asProposed)).toMatchObject({ ok: true })
    const ruled = await list(rig, now)
    expect(await sent(rig, ruled, { ref: 'a' }, 's')).toMatchObject({ args: { target: 'a' } })
    expect(stateOf(rig, 'book')).toBe('changed:breaking')
    expect(rig.operators.find('up', 'book')?.change?.translation).toMatchObject({
      inForce: true,
      by: 'ana',
      reason: 'PR 212',
      proved: true,
    })
    const after = registryRig({ durable })
    await after.registry.start()
    expect(await sent(after, await list(after, now), { ref: 'a' }, 's')).toMatchObject({ args: { target: 'a' } })
    // Another contract is nothing that was approved, and the one that was is translated again when it comes back.
    const riskier = { ...now, annotations: { openWorldHint: false, destructiveHint: true } }
    expect(await sent(after, await list(after, riskier), { ref: 'a' }, 's')).toMatchObject({ fault: 'tool_changed' })
    expect(await sent(after, await list(after, now), { ref: 'a' }, 's')).toMatchObject({ args: { target: 'a' } })
  })

  it('takes values, names that may be left out, or the whole of it', async () => {
    const rig = registryRig()
    const now = tool({ target: text, room: integer })
    await list(rig, tool({ ref: text, legacy: { type: 'boolean' } }))
    await list(rig, now)
    const decide = (own: object) => approve(rig, now, { asked: own, override: false })
    expect(rig.operators.find('up', 'book')?.change?.translation).toMatchObject({ lacks: [expect.any(String), expect.any(String)] })
    expect(await decide({})).toMatchObject({ why: 'untranslated', detail: expect.stringContaining('room is required now') })
    expect(await decide({ set: { room: 7, rom: 1 }, drop: ['legacy'] })).toMatchObject({
      detail: expect.stringContaining('rom is no argument'),
    })
    expect(await decide({ set: { room: 'x' }, drop: ['legacy'] })).toMatchObject({ detail: expect.stringContaining('not proved') })
    expect(await decide({ set: { room: 7 }, drop: ['legacy'] })).toMatchObject({ ok: true })
    expect(await sent(rig, await list(rig, now), { ref: 'a', legacy: true }, 's')).toMatchObject({ args: { target: 'a', room: 7 } })
    const input = [
      { op: 'drop', name: 'legacy' },
      { op: 'rename', from: 'ref', to: 'target' },
      { op: 'set', name: 'room', value: 9 },
    ]
    expect(await decide({ adapter: { input } })).toMatchObject({ ok: true })
    expect(await sent(rig, await list(rig, now), { ref: 'a', legacy: true }, 's')).toMatchObject({ args: { target: 'a', room: 9 } })
    expect(await decide({ adapter: { input: [{ op: 'eval' }] } })).toMatchObject({ why: 'untranslated' })
  })

  it('that is not proved takes an override, and then sends what the new schema takes and nothing else', async () => {
    const rig = registryRig()
    const now = tool({ room_id: { ...integer, maximum: 50 } })
    await list(rig, tool({ roomId: integer }))
    await list(rig, now)
    expect(await approve(rig, now, asProposed)).toMatchObject({
      why: 'untranslated',
      detail: expect.stringMatching(/not proved.*not \{"room_id":/),
    })
    expect(await approve(rig, now, { asked: {}, override: true })).toMatchObject({ ok: true })
    expect(rig.operators.find('up', 'book')?.change?.translation).toMatchObject({ inForce: true, proved: false })
    const ruled = await list(rig, now)
    expect(await sent(rig, ruled, { roomId: 50 }, 's')).toMatchObject({ args: { room_id: 50 } })
    expect(await sent(rig, ruled, { roomId: 51 }, 's')).toMatchObject({ fault: 'tool_changed' })
    // What the new schema would drop without a word is not sent either.
    expect(await sent(rig, ruled, { roomId: 1, other: 2 }, 's')).toMatchObject({ fault: 'tool_changed' })
  })

  it('is none where nothing breaks, nothing mends it, or two contracts take turns', async () => {
    const rig = registryRig()
    const first = tool({ ref: text })
    await list(rig, first)
    expect(await approve(rig, first, asProposed)).toMatchObject({
      why: 'untranslated',
      detail: expect.stringContaining('no other contract'),
    })
    const mirrored = tool({ ref: { ...text, 'x-mcp-header': 'Ref' } })
    await list(rig, mirrored)
    expect(await approve(rig, mirrored, { asked: {}, override: true })).toMatchObject({ detail: expect.stringContaining('no operation') })
  })

  it('ends where the change is rejected, and holds again where it is approved again', async () => {
    const rig = registryRig()
    const [old, now] = [tool({ ref: text }, reads), tool({ target: text }, reads)]
    await list(rig, old)
    expect(await sent(rig, await list(rig, now), { ref: 'a' }, 's')).toMatchObject({ args: { target: 'a' } })
    await rig.operators.decide('up', 'book', { ...asked([digestsOf(now).exact]), action: 'reject' })
    expect(await sent(rig, await list(rig, now), { ref: 'a' }, 's')).toMatchObject({ fault: 'tool_changed' })
    await list(rig, old)
    expect(await sent(rig, await list(rig, now), { ref: 'a' }, 's')).toMatchObject({ fault: 'tool_changed' })
    expect(await approve(rig, now, asProposed)).toMatchObject({ ok: true })
    expect(await sent(rig, await list(rig, now), { ref: 'a' }, 's')).toMatchObject({ args: { target: 'a' } })
    expect(stateOf(rig, 'book')).toBe('changed:breaking')
  })

  it('goes on for who has read the old contract when the new one is approved', async () => {
    const rig = registryRig()
    const [old, now] = [tool({ ref: text }), tool({ target: text })]
    await list(rig, old)
    read(rig, 'first')
    await list(rig, now)
    await approve(rig, now, asProposed)
    expect(await approve(rig, now)).toMatchObject({ ok: true })
    const ruled = await list(rig, now)
    expect(await sent(rig, ruled, { ref: 'a' }, 'first')).toMatchObject({ args: { target: 'a' } })
    expect(await sent(rig, ruled, { target: 'a' }, 'nobody')).toMatchObject({ args: { target: 'a' } })
    expect(await sent(rig, ruled, { ref: 'a' }, 'nobody')).toMatchObject({ fault: 'invalid_arguments' })
  })
})

describe('a call by a contract that was shown before', () => {
  const adopting = { drift: { breaking: 'adopt', additive: 'adopt', prose: 'adopt' } } as const

  it('is translated over several changes where that is proved, by what its caller has read', async () => {
    const rig = registryRig(adopting)
    const [a, b, c] = [tool({ ref: text }, reads), tool({ reference: text }, reads), tool({ target: text }, reads)]
    await list(rig, a)
    read(rig, 'a')
    await list(rig, b)
    read(rig, 'b')
    const ruled = await list(rig, c)
    read(rig, 'c')
    for (const [session, name] of [
      ['a', 'ref'],
      ['b', 'reference'],
      ['c', 'target'],
    ] as const)
      expect(await sent(rig, ruled, { [name]: 'x' }, session), session).toMatchObject({ args: { target: 'x' } })
    // Its own schema says what is wrong with it.
    expect(await sent(rig, ruled, { ref: { a: 1 } }, 'a')).toMatchObject({
      fault: 'invalid_arguments',
      detail: { violations: [{ path: '/ref' }] },
    })
    // What nobody declared then may mean something now.
    expect(await sent(rig, ruled, { ref: 'x', target: 'y' }, 'a')).toMatchObject({
      fault: 'tool_changed',
      detail: { contracts: { known: digestsOf(a).contract } },
    })
  })

  it('goes by the steps where the whole way is not proposed', async () => {
    const rig = registryRig(adopting)
    const [a, b, c] = [
      tool({ ref: text, n: integer }, reads),
      tool({ reference: text, n: integer }, reads),
      tool({ referenceName: text, count: integer }, reads),
    ]
    await list(rig, a)
    read(rig, 'a')
    await list(rig, b)
    await list(rig, c)
    await approve(rig, c, {
      asked: {
        adapter: {
          input: [
            { op: 'rename', from: 'reference', to: 'referenceName' },
            { op: 'rename', from: 'n', to: 'count' },
          ],
        },
      },
      override: false,
    })
    expect(await sent(rig, await list(rig, c), { ref: 'x', n: 1 }, 'a')).toMatchObject({ args: { referenceName: 'x', count: 1 } })
  })

  it('passes as it is where what came since breaks nothing of it, digits included', async () => {
    const rig = registryRig(adopting)
    const a = tool({ n: { type: 'number' } }, reads)
    await list(rig, a)
    read(rig, 'a')
    await list(rig, tool({ n: text }, reads))
    const ruled = await list(rig, toolOf('book', { n: { type: ['number', 'string'] } }, reads))
    expect(await sent(rig, ruled, { n: 1 }, 'a')).toMatchObject({ args: { n: 1 } })
  })

  it('is refused where no way is proved, and by a tool that writes', async () => {
    const rig = registryRig(adopting)
    const [a, b, c] = [tool({ ref: text }), tool({ reference: text }), tool({ target: text })]
    await list(rig, a)
    read(rig, 'a')
    await list(rig, b)
    const ruled = await list(rig, c)
    expect(await sent(rig, ruled, { ref: 'x' }, 'a')).toMatchObject({
      fault: 'tool_changed',
      detail: { contracts: { known: digestsOf(a).contract, current: digestsOf(c).contract } },
    })
  })

  it('goes on to what the server takes where that is held back and translated too', async () => {
    const rig = registryRig()
    const [a, b, c] = [tool({ ref: text }, reads), tool({ reference: text }, reads), tool({ target: text }, reads)]
    await list(rig, a)
    read(rig, 'a')
    await list(rig, b)
    await approve(rig, b)
    const ruled = await list(rig, c)
    expect(await sent(rig, ruled, { ref: 'x' }, 'a')).toMatchObject({ args: { target: 'x' } })
    expect(await sent(rig, ruled, { reference: 'x' }, 'nobody')).toMatchObject({ args: { target: 'x' } })
  })

  it('translates results back through all', async () => {
    const rig = registryRig(adopting)
    const gives = (name: string) => ({ ...reads, outputSchema: { type: 'object', properties: { [name]: integer }, required: [name] } })
    await list(rig, tool({ ref: text }, gives('total')))
    read(rig, 'a')
    await list(rig, tool({ reference: text }, gives('totalCount')))
    const ruled = await list(rig, tool({ target: text }, gives('totalCountAll')))
    const result = payloadOf({ content: [], structuredContent: { totalCountAll: 3 } })
    expect(await sent(rig, ruled, { ref: 'x' }, 'a', result)).toMatchObject({
      args: { target: 'x' },
      result: { structuredContent: { total: 3 } },
    })
  })

  it('is kept of the latest eight', async () => {
    const rig = registryRig(adopting)
    const names = Array.from({ length: 11 }, (_, index) => `ref${index}`)
    let ruled: Ruled | undefined
    for (const name of names) {
      rig.clock.advance(600_000)
      ruled = await list(rig, tool({ [name]: text }, reads))
      read(rig, name)
    }
    const last = ruled as Ruled
    for (const name of names.slice(2)) expect(await sent(rig, last, { [name]: 'x' }, name), name).toMatchObject({ args: { ref10: 'x' } })
    expect(await sent(rig, last, { ref0: 'x' }, 'ref0')).toMatchObject({ fault: 'tool_changed' })
  })
})

describe('results of a translation', () => {
  const output = (properties: Record<string, unknown>) => ({
    outputSchema: { type: 'object', properties, required: Object.keys(properties) },
  })
  const suspect = 'signalbox.dev/suspect'

  it('that is not proved are held against what callers were promised, and say where they break it', async () => {
    const rig = registryRig()
    const now = tool({ target: text }, output({ id: text }))
    await list(rig, tool({ ref: text }, output({ id: integer })))
    await list(rig, now)
    expect(await approve(rig, now, { asked: {}, override: false })).toMatchObject({ why: 'untranslated' })
    expect(await approve(rig, now, { asked: {}, override: true })).toMatchObject({ ok: true })
    const ruled = await list(rig, now)
    const answered = async (result: object) =>
      (await sent(rig, ruled, { ref: 'a' }, 's', payloadOf(result))).result as Record<string, unknown>
    const own = { reasons: [{ kind: 'result_schema', rule: '/x' }] }
    expect(await answered({ content: [], structuredContent: { id: 'x' }, _meta: { [suspect]: own } })).toMatchObject({
      structuredContent: { id: 'x' },
      _meta: { [suspect]: { reasons: [own.reasons[0], { kind: 'result_schema', usual: expect.stringContaining('integer') }] } },
    })
    expect(await answered({ content: [], structuredContent: { id: 1 } })).toEqual({ content: [], structuredContent: { id: 1 } })
  })
})
