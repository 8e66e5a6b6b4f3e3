import { describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { keptDecisions } from '../../../test/doubles/decisions.ts'
import { aCall, anExchange, anItem, done } from '../../../test/doubles/gateway/samples.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { aPrincipal } from '../../../test/doubles/principal.ts'
import { aRun } from '../../../test/doubles/run.ts'
import * as fc from '../../../test/property.ts'
import { type Call, routed } from '../../core/call/call.ts'
import type { Item } from '../../core/call/item.ts'
import type { Outcome } from '../../core/call/outcome.ts'
import { payloadOf } from '../../core/call/payload.ts'
import type { Principal } from '../../core/call/principal.ts'
import { explain } from './explain.ts'
import { accessSettings } from './settings.ts'
import { authorize, createPolicy } from './stage.ts'

const clock = new ManualClock(Date.parse('2026-11-29T10:00:00Z'))

type Written = z.input<typeof accessSettings>

function policyOf(rules: Written) {
  return createPolicy(accessSettings.parse(rules), clock)
}

async function call(rules: Written, principal: Principal, item: Item, args: unknown = {}, run = aRun()) {
  const decisions = keptDecisions()
  const counted: string[] = []
  const stage = authorize({
    policy: createPolicy(accessSettings.parse(rules), clock),
    decisions,
    counters: { add: (name, labels) => void counted.push(`${name} ${Object.values(labels).join(' ')}`) },
    clock,
    challenge: (_call, scopes) => `Bearer scope="${scopes.join(' ')}"`,
  })
  const gone: Call[] = []
  const { exchange } = anExchange(clock)
  const made = routed(
    aCall({ params: payloadOf({ name: item.visible, arguments: args }), caller: { ...aCall().caller, principal }, run }),
    item,
  )
  const outcome: Outcome = await stage.run(made, exchange, async (call) => {
    gone.push(call)
    return done()
  })
  return {
    outcome,
    reached: gone.length,
    gone: gone[0],
    exchange,
    decisions: decisions.all,
    decided: exchange.fact('decided'),
    counted,
    fault: outcome.kind === 'fault' ? outcome.fault : undefined,
  }
}

const rules: Written = [
  { groups: ['support'], scopes: ['tickets:read'], use: ['tracker/get_*', 'tracker/list_*'] },
  { groups: ['support'], scopes: ['tickets:write'], use: ['tracker/*'], when: 'args.project == "SUP"' },
]
const reader = aPrincipal({ groups: ['support'], scopes: ['tickets:read'], credential: 'jti-1' })
const writer = aPrincipal({ sub: 'bob', groups: ['support'], scopes: ['tickets:read', 'tickets:write'] })
const get = anItem({ upstream: 'tracker', name: 'get_ticket', visible: 'tracker__get_ticket' })
const remove = anItem({ upstream: 'tracker', name: 'delete_ticket', visible: 'tracker__delete_ticket' })

describe('a read token', () => {
  it('reads', async () => {
    const { reached, decided, decisions } = await call(rules, reader, get)
    expect(reached).toBe(1)
    expect(decided).toMatchObject({ allowed: true, rule: 'access.0' })
    // The row of the call has it.
    expect(decisions).toEqual([])
  })

  it('on a write tool fails loudly, with one challenge that names all scopes of the operation, and nothing goes upstream (A10, R27)', async () => {
    const { fault, reached, decided, counted } = await call(rules, reader, remove, { project: 'SUP' })
    expect(reached).toBe(0)
    expect(fault).toMatchObject({ kind: 'insufficient_scope', challenge: 'Bearer scope="tickets:write"', sideEffect: 'none' })
    expect(fault?.message).toContain('tickets:write')
    expect(fault?.message).toContain('tracker__delete_ticket')
    expect(decided).toMatchObject({ allowed: false, rule: 'access.1' })
    expect(counted).toEqual(['access_denied tracker insufficient_scope'])
  })
})

it('the team of a call is that of the rule which grants it, unless its token names one', async () => {
  const teams: Written = [
    { groups: ['support'], scopes: ['tickets:read'], use: ['tracker/get_*'], team: 'readers' },
    { groups: ['support'], use: ['tracker/*'], team: 'writers' },
    { use: ['*'] },
  ]
  const run = aRun({ turn: 't1', why: 'to see' })
  const granted = await call(teams, reader, get, {}, run)
  expect(granted.gone).toMatchObject({ id: 'call-1', item: get, upstream: 'tracker', run: { ...run, team: 'readers' } })
  // What is outside of this stage hears of it, and the next call of the run has the same object.
  expect(granted.exchange.fact('run')).toBe(granted.gone?.run)
  expect((await call(teams, reader, get, {}, run)).gone?.run).toBe(granted.gone?.run)
  expect((await call(teams, reader, remove, {}, run)).gone?.run).toEqual({ ...run, team: 'writers' })
  const other = await call(teams, aPrincipal(), get, {}, run)
  expect([other.gone?.run, other.exchange.fact('run')]).toEqual([run, undefined])
  const claimed = aRun({ team: 'blue' })
  expect((await call(teams, reader, get, {}, claimed)).gone?.run).toBe(claimed)
})

it('a condition on the arguments decides call by call', async () => {
  expect((await call(rules, writer, remove, { project: 'SUP' })).reached).toBe(1)
  const { fault } = await call(rules, writer, remove, { project: 'OPS' })
  expect(fault?.kind).toBe('forbidden')
  expect(fault?.message).toContain('the condition of access.1 does not hold')
})

it('who is in no group of a rule may use nothing, and hears why', async () => {
  const outsider = aPrincipal({ sub: 'eve', scopes: ['tickets:read', 'tickets:write'] })
  const { fault, reached, decided } = await call(rules, outsider, get)
  expect([fault?.kind, reached]).toEqual(['forbidden', 0])
  expect(decided).toMatchObject({ allowed: false, rule: 'default' })
})

it('a new tool is denied until a rule grants it (R26)', async () => {
  const added = anItem({ upstream: 'other', name: 'drop_everything' })
  expect((await call(rules, writer, added)).fault?.kind).toBe('forbidden')
})

it('the first rule that grants decides, and a later one that needs no more scopes is found', async () => {
  const principal = aPrincipal({ scopes: ['a'] })
  const two: Written = [
    { name: 'broad', scopes: ['a', 'b'], use: ['up/*'] },
    { name: 'narrow', scopes: ['a'], use: ['up/weather'] },
  ]
  expect((await call(two, principal, anItem())).decided).toMatchObject({ allowed: true, rule: 'narrow' })
})

describe('a rule by', () => {
  it.each([
    ['clients', { clients: ['agent-7'] }, { clientId: 'agent-7' }, { clientId: 'agent-8' }],
    ['tenants', { tenants: ['acme'] }, { tenant: 'acme' }, { tenant: 'bolt' }],
    ['subjects', { subjects: ['alice'] }, { sub: 'alice' }, { sub: 'alice2' }],
    ['groups', { groups: ['a', 'b'] }, { groups: ['b'] }, { groups: ['c'] }],
  ])('%s is for nobody else', async (_by, rule, inside, outside) => {
    const written = [{ ...rule, use: ['*'] }]
    expect((await call(written, aPrincipal(inside), anItem())).reached).toBe(1)
    expect((await call(written, aPrincipal(outside), anItem())).fault?.kind).toBe('forbidden')
  })
})

describe('a shadow rule', () => {
  const shadowed: Written = [...rules, { name: 'next', groups: ['support'], use: ['tracker/*'], shadow: true }]

  it('grants nothing, and is counted where it would', async () => {
    const { fault, counted, decisions } = await call(shadowed, reader, remove)
    expect(fault?.kind).toBe('forbidden')
    expect(counted).toContain('access_shadow next would_allow')
    expect(decisions.map(({ about, allowed, rule }) => [about, allowed, rule])).toEqual([['shadow', true, 'next']])
  })

  it('is counted apart where another rule grants the call', async () => {
    expect((await call(shadowed, reader, get)).counted).toEqual(['access_shadow next none'])
  })

  it('shows nothing in lists', () => {
    const caller = { ...aCall().caller, principal: aPrincipal({ groups: ['support'] }) }
    const policy = policyOf([{ use: ['tracker'], shadow: true }])
    expect(policy.sees(caller, get)).toBe(false)
    expect(policy.reaches(caller, 'tracker')).toBe(false)
  })
})

describe('lists', () => {
  const listed = (principal: Principal, item: Item, written: Written = rules): boolean =>
    policyOf(written).sees({ ...aCall().caller, principal }, item)

  it('show what a step-up would allow, to those who can step up', () => {
    expect(listed(reader, remove)).toBe(true)
    expect(listed(aPrincipal({ ...reader, method: 'apiKey' }), remove)).toBe(false)
    expect(listed(aPrincipal({ scopes: ['tickets:read'] }), remove)).toBe(false)
  })

  it('show by the time where a condition asks for the time alone', () => {
    const timed: Written = [{ use: ['tracker'], when: 'now.getHours() >= 9' }]
    expect(listed(reader, get, timed)).toBe(true)
    expect(listed(reader, get, [{ use: ['tracker'], when: 'now.getHours() < 9' }])).toBe(false)
  })

  it('show a template where one of its URIs may be granted, and no other', () => {
    const template = (name: string): Item => anItem({ kind: 'template', upstream: 'docs', name })
    const written: Written = [{ use: ['docs/file:///public/*'] }]
    expect(listed(reader, template('file:///{path}'), written)).toBe(true)
    expect(listed(reader, template('file:///public/{name}'), written)).toBe(true)
    expect(listed(reader, template('file:///secret/{name}'), written)).toBe(false)
  })
})

it('a file of a skill, and the user interface of a tool, come with what they are part of', async () => {
  const skill = anItem({ kind: 'skill', upstream: 'docs', name: 'skill://a/SKILL.md' })
  const file = anItem({ kind: 'resource', upstream: 'docs', name: 'skill://a/x.py', partOf: skill })
  expect((await call([{ use: ['docs/skill://a/SKILL.md'] }], reader, file)).reached).toBe(1)
  expect((await call([{ use: ['docs/skill://b/*'] }], reader, file)).fault?.kind).toBe('forbidden')
})

const word = fc.constantFrom('a', 'b', 'c')
const words = fc.uniqueArray(word, { maxLength: 3 })
const aRule = fc.record(
  {
    use: fc.array(fc.constantFrom('*', 'a', 'a/x', 'a/x*', 'b', 'b/y', 'c/z*'), { minLength: 1, maxLength: 3 }),
    groups: fc.uniqueArray(word, { minLength: 1, maxLength: 2 }),
    scopes: fc.uniqueArray(word, { minLength: 1, maxLength: 2 }),
    clients: fc.uniqueArray(word, { minLength: 1, maxLength: 2 }),
    when: fc.constantFrom('"a" in principal.groups', 'tool.name == "x"', 'principal.sub == "s"', 'tool.readOnly'),
    shadow: fc.boolean(),
  },
  { requiredKeys: ['use'] },
)
const aCaller = fc.record({
  sub: fc.constantFrom('s', 't'),
  groups: words,
  scopes: words,
  clientId: word,
  method: fc.constantFrom('oauth', 'apiKey'),
})
const anyItem = fc.record({
  upstream: word,
  name: fc.constantFrom('x', 'xx', 'y', 'z1'),
  kind: fc.constantFrom('tool', 'prompt', 'resource'),
})

it('what is listed is what may be called, or what a step-up would allow: for any rules, caller and item (T37)', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(aRule, { maxLength: 5 }), aCaller, anyItem, async (written, who, what) => {
      const principal = aPrincipal(who as Partial<Principal>)
      const item = anItem(what as Partial<Item>)
      const { fault, reached } = await call(written as Written, principal, item)
      const seen = policyOf(written as Written).sees({ ...aCall().caller, principal }, item)
      const stepsUp = fault?.kind === 'insufficient_scope' && principal.method === 'oauth'
      expect(seen).toBe(reached === 1 || stepsUp)
      if (stepsUp) {
        const asked = /scope="([^"]*)"/.exec(fault?.challenge ?? '')?.[1]?.split(' ') ?? []
        const after = aPrincipal({ ...principal, scopes: [...principal.scopes, ...asked] })
        expect((await call(written as Written, after, item)).reached, 'the challenge suffices').toBe(1)
      }
      const told = explain(policyOf(written as Written), principal, item, {}, new Date(clock.now()))
      expect(told.decision).toBe(reached === 1 ? 'allow' : fault?.kind === 'insufficient_scope' ? 'step-up' : 'deny')
      expect(told.listed).toBe(seen)
    }),
    { numRuns: 500 },
  )
})

it('names the scopes of a mount, and those of the first rule that a new client is asked for', () => {
  const policy = policyOf(rules)
  expect(policy.scopes(['tracker', 'x'])).toEqual(['tickets:read', 'tickets:write'])
  expect(policy.firstScopes(['tracker'])).toEqual(['tickets:read'])
  expect(policy.scopes(['x'])).toEqual([])
})
