// What a vendor claims of a tool under a name of its own in `_meta`: no client is known to act on it, and none can tell which of two claims is
// the riskier.
import { describe, expect, it } from 'vitest'
import { registryRig, stateOf, toolOf } from '../../../test/doubles/gateway/contracts-rig.ts'
import type { ToolContract } from '../../core/call/contract.ts'
import type { Ruled } from '../../core/ports/contracts.ts'
import { digestsOf } from './judge/digests.ts'

const tool = (meta: Record<string, unknown> | undefined, more: Record<string, unknown> = {}) =>
  toolOf('echo', undefined, { ...(meta === undefined ? {} : { _meta: meta }), ...more })
const wider = {
  inputSchema: { type: 'object', properties: { text: { type: 'string' }, loud: { type: 'boolean' } }, required: ['text'] },
}

function shownOf(ruled: Ruled, sent: ToolContract): ToolContract {
  const shown = ruled.rulings[0]?.shown
  return shown === 'sent' || shown === undefined
    ? sent
    : (JSON.parse(Buffer.from((shown as { bytes: Uint8Array }).bytes).toString()) as ToolContract)
}

describe("a vendor's own claim in _meta", () => {
  it.each([
    ['more effects', { effects: ['read'] }, { effects: ['read', 'update', 'delete'] }],
    ['a wider reach', { externality: 'internal' }, { externality: 'external' }],
    ['more classes of data', { data_classes: ['internal'] }, { data_classes: ['internal', 'pii', 'secrets'] }],
    ['wider scopes', { required_scopes: ['store:read'] }, { required_scopes: ['store:read', 'store:admin'] }],
    ['fewer effects', { effects: ['read', 'delete'] }, { effects: ['read'] }],
  ])('%s: neither the old nor the new one is shown, until an operator approves', async (_what, before, after) => {
    const rig = registryRig()
    const [old, now] = [tool({ acme: before, other: 1 }), tool({ acme: after, other: 1 })]
    expect(shownOf(await rig.list([old]), old)).toEqual(old)
    const ruled = await rig.list([now])
    expect(shownOf(ruled, now)).toEqual(tool({ other: 1 }))
    expect(ruled.rulings[0]?.contract?.change).toBeUndefined()
    expect(rig.operators.find('up', 'echo')).toMatchObject({
      state: 'changed:hints',
      change: { verdict: 'behavioural', changes: [{ kind: 'hint.changed', pointer: '/_meta/acme' }] },
    })
    expect(rig.audited.at(-1)).toMatchObject({ about: 'contract', rule: 'drift.changed:hints', item: 'echo' })
    expect(rig.logged.filter((line) => line.includes('/_meta/acme'))).toHaveLength(1)
    expect((await rig.list([now])).rulings[0]).toBe(ruled.rulings[0])

    const { hints } = digestsOf(now)
    expect(hints).toMatch(/^h2:/)
    expect(await rig.operators.decide('up', 'echo', { action: 'approve', by: 'ana', reason: 'read', expect: [hints] })).toMatchObject({
      ok: true,
    })
    expect(shownOf(await rig.list([now]), now)).toEqual(now)
  })

  it('that is new is not shown; one that is gone is gone; what else changes goes on', async () => {
    const rig = registryRig()
    await rig.list([tool(undefined)])
    const now = tool({ 'acme.dev/x': 'safe', 'signalbox.dev/deprecation': { from: '2026-12-01' } }, wider)
    expect(shownOf(await rig.list([now]), now)).toEqual({ ...now, _meta: { 'signalbox.dev/deprecation': { from: '2026-12-01' } } })
    expect(stateOf(rig)).toBe('changed:hints')
    expect(shownOf(await rig.list([tool(undefined, wider)]), tool(undefined, wider))).toEqual(tool(undefined, wider))
    expect(stateOf(rig)).toBe('admitted')

    const other = registryRig()
    await other.list([tool({ a: 1, b: 2 })])
    const less = tool({ b: 2 })
    expect([shownOf(await other.list([less]), less), stateOf(other)]).toEqual([less, 'admitted'])
  })

  it('is not shown as it was while the server says otherwise, whatever else is held', async () => {
    const rig = registryRig({ drift: { breaking: 'hold', additive: 'adopt', prose: 'hold' } })
    await rig.list([tool({ acme: 1, ui: { resourceUri: 'ui://a' } })])
    const now = tool({ acme: 2, ui: { resourceUri: 'ui://b' } }, { description: 'Other words' })
    expect(shownOf(await rig.list([now]), now)).toEqual(tool({ ui: { resourceUri: 'ui://a' } }))
    expect(stateOf(rig)).toBe('changed:prose')
  })

  it('is shown at once of a server whose tools are all let in', async () => {
    const rig = registryRig({ governance: { admit: 'open' } })
    await rig.list([tool({ acme: 1 })])
    const now = tool({ acme: 2 })
    expect([shownOf(await rig.list([now]), now), stateOf(rig)]).toEqual([now, 'admitted'])
  })

  it('leaves the digests of all other tools as they were', () => {
    const hints = (meta: Record<string, unknown> | undefined): string => digestsOf(tool(meta)).hints
    expect(hints({ 'signalbox.dev/deprecation': {}, 'signalbox.dev/version': 2 })).toBe(hints(undefined))
    expect(hints({})).toBe(hints(undefined))
    expect(hints({ ui: {}, 'openai/toolInvocation/invoking': 'x' })).toMatch(/^h1:/)
  })
})
