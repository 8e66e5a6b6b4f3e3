import { describe, expect, it } from 'vitest'
import { callOf, exchangeOf } from '../../../test/doubles/gateway/catalog-rig.ts'
import { type RegistryRig, registryRig, toolOf } from '../../../test/doubles/gateway/contracts-rig.ts'
import { routed } from '../../core/call/call.ts'
import type { Item } from '../../core/call/item.ts'
import { complete, unscanned } from '../../core/call/outcome.ts'
import { emptyObject } from '../../core/call/payload.ts'
import { gatewayKey } from '../../core/call/tenant-key.ts'
import { unconfigured } from '../../core/call/tool-settings.ts'
import type { Ruled } from '../../core/ports/contracts.ts'
import { judge } from './judge/judge.ts'
import { answerTo } from './judge/judging.ts'
import { adapt } from './stage.ts'
import { UndeclaredNames } from './undeclared.ts'

const t = gatewayKey('up', 't')

/** Names that are noted of a call with these arguments, as JSON text. */
function notedOf(schema: unknown, args: string, names = new UndeclaredNames()): readonly string[] {
  names.watch(t, () => schema).note(JSON.parse(args))
  return names.of(t)
}

const object = (more: Record<string, unknown>) => ({ type: 'object', properties: { a: {} }, ...more })

describe('names of arguments that a schema does not declare', () => {
  it.each([
    ['an open object', object({}), ['z']],
    ['open in words', object({ additionalProperties: true }), ['z']],
    ['open by a schema that judges nothing', object({ additionalProperties: { description: 'more' } }), ['z']],
    ['shut', object({ additionalProperties: false }), []],
    ['shut by unevaluatedProperties', object({ unevaluatedProperties: false }), []],
    ['what other names hold is said', object({ additionalProperties: { type: 'string' } }), []],
    ['declared by a pattern', object({ patternProperties: { '^z$': {} } }), []],
    ['another pattern', object({ patternProperties: { '^y': {} } }), ['z']],
    ['a pattern that nobody can run', object({ patternProperties: { '(?=y)': {} } }), []],
    ['declared by a branch', object({ allOf: [{ anyOf: [{ properties: { z: {} } }] }] }), []],
    ['declared by a reference', { $ref: '#/$defs/all', $defs: { all: { properties: { a: {}, z: {} } } } }, []],
    ['a reference that leads back', object({ allOf: [{ $ref: '#' }] }), ['z']],
    ['a reference that leads nowhere', object({ $ref: 'https://example.com/other' }), []],
    ['only asked for', object({ if: { properties: { z: { const: 1 } } } }), ['z']],
    ['no schema', undefined, []],
  ])('%s', (_, schema, noted) => {
    expect(notedOf(schema, '{"a":1,"z":2}')).toEqual(noted)
  })

  it('are kept as they are sent, whatever they are called', () => {
    const hostile = ['__proto__', 'constructor', 'hasOwnProperty', '', '~1/', '\u0000']
    const args = `{${hostile.map((name) => `${JSON.stringify(name)}:1`).join(',')}}`
    expect(notedOf(object({}), args)).toEqual(hostile)
    expect(notedOf(JSON.parse('{"properties":{"__proto__":{}}}'), '{"__proto__":1}')).toEqual([])
  })

  it('are bounded: the latest names of a tool, none too long, of the latest tools', () => {
    const names = new UndeclaredNames()
    const watch = names.watch(t, () => object({}))
    watch.note({ kept: 1, ['x'.repeat(129)]: 1, ['y'.repeat(128)]: 1 })
    expect(names.of(t)).toEqual(['kept', 'y'.repeat(128)])
    for (let index = 0; index < 63; index += 1) watch.note({ [`n${index}`]: 1, kept: 1 })
    expect(names.of(t)).toHaveLength(64)
    expect(names.of(t)).toContain('kept')
    expect(names.of(t)).not.toContain('y'.repeat(128))
    watch.note(Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`many${index}`, 1])))
    expect(names.of(t)).toHaveLength(64)
    expect(names.of(t).at(-1)).toBe('many255')
    for (let index = 0; index < 1_000; index += 1) names.note(gatewayKey(`other${index}`), 'z')
    expect(names.of(t)).toEqual([])
    expect(names.of(gatewayKey('other999'))).toEqual(['z'])
  })
})

const first = toolOf('echo')
const wider = {
  ...first,
  inputSchema: { type: 'object', properties: { text: { type: 'string' }, z: { type: 'boolean' } }, required: ['text'] },
}
const note = 'callers sent z before it was declared'

/** A call that passed every check, with these arguments. */
async function send({ clock }: RegistryRig, ruled: Ruled, args: unknown) {
  const item = {
    ...{ kind: 'tool', upstream: 'up', name: 'echo', visible: 'up__echo', definition: emptyObject, generation: 1, settings: unconfigured },
    ...{ traits: { readOnly: false, destructive: true, idempotent: false }, headers: [], validate: undefined, declaresOutput: false },
    contract: ruled.rulings[0]?.contract,
  } as Item
  const call = routed(callOf('tools/call', { name: 'up__echo', arguments: args }), item)
  return adapt.run(call, exchangeOf(clock), async () => complete(emptyObject, unscanned(2)))
}

describe('an argument that is added', () => {
  it('breaks who sent it before it was declared, and nobody else', async () => {
    const rig = registryRig()
    await send(rig, await rig.list([first]), { text: 'a', z: 1 })
    await rig.list([wider])
    expect(rig.operators.find('up', 'echo')).toMatchObject({
      state: 'changed:breaking',
      change: { verdict: 'breaking', changes: [{ kind: 'property.added', note }] },
    })
    const other = registryRig()
    await send(other, await other.list([first]), { text: 'a', y: 1 })
    await other.list([wider])
    expect(other.operators.find('up', 'echo')).toMatchObject({ state: 'admitted' })
  })

  it('and held back is judged anew where its name was sent since, once', async () => {
    const rig = registryRig({ drift: { breaking: 'hold', additive: 'hold', prose: 'screen' } })
    await rig.list([first])
    const held = await rig.list([wider])
    expect(rig.operators.find('up', 'echo')).toMatchObject({ state: 'changed:additive' })
    await send(rig, held, { text: 'a', z: 1 })
    // The same list again.
    await rig.list([wider])
    expect(rig.operators.find('up', 'echo')).toMatchObject({
      state: 'changed:breaking',
      change: { verdict: 'breaking', changes: [{ note }] },
    })
    expect(rig.counted['contract_changes up breaking']).toBe(1)
    const { length } = rig.judge.judged
    await rig.list([wider])
    await rig.list([first])
    await rig.list([wider])
    expect(rig.judge.judged).toHaveLength(length)
  })

  it('is judged anew where it comes again after its name was sent', async () => {
    const rig = registryRig({ drift: { breaking: 'hold', additive: 'hold', prose: 'screen' } })
    await rig.list([first])
    await rig.list([wider])
    await send(rig, await rig.list([first]), { text: 'a', z: 1 })
    await rig.list([wider])
    expect(rig.operators.find('up', 'echo')?.change).toMatchObject({ verdict: 'breaking', changes: [{ note }] })
  })

  it('of one session is declared for that session alone', async () => {
    const rig = registryRig()
    const ruled = await rig.list([first])
    const own = await rig.list([wider], true)
    await send(rig, own, { text: 'a', z: true })
    expect(rig.registry.intake.shared.undeclared.of(gatewayKey('up', 'echo'))).toEqual([])
    await send(rig, ruled, { text: 'a', z: true })
    expect(rig.registry.intake.shared.undeclared.of(gatewayKey('up', 'echo'))).toEqual(['z'])
  })

  it('under a name that was sent keeps calls from being translated', () => {
    const reads = { annotations: { readOnlyHint: true } }
    const question = {
      old: toolOf('echo', { ref: { type: 'string' } }, reads),
      now: toolOf('echo', { reference: { type: 'string' } }, reads),
    }
    const adapter = (undeclared: readonly string[]) => {
      const said = answerTo({ ...question, options: { propose: true, undeclared } }, judge)
      return 'judgement' in said ? said.judgement.adapter : said
    }
    expect(adapter(['other'])).toMatchObject({ automatic: true })
    expect(adapter(['reference'])).toMatchObject({ automatic: false, unproved: [expect.stringContaining('before they were declared')] })
  })
})
