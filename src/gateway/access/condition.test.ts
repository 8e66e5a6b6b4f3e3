import { describe, expect, it } from 'vitest'
import { ConditionProblem, readCondition } from './condition.ts'

const facts = {
  principal: { sub: 'alice', iss: 'https://id.example', groups: ['support'], scopes: ['a'], client: 'agent', tenant: 'acme', kind: 'user' },
  tool: { server: 'tracker', name: 'update_issue', readOnly: false },
  args: { project: 'SUP', n: 3, price: 1.5, tags: ['x', 'y'], text: 'ticket 42' } as unknown,
  now: new Date('2026-11-29T10:00:00Z'),
}
const holds = (text: string, args: unknown = facts.args): boolean => readCondition(text).holds({ ...facts, args }).holds

it.each([
  ['args.project == "SUP"', true],
  ['args.project == "OPS"', false],
  ['args.n == 3', true],
  ['args.n <= 2', false],
  ['args.price < 2', true],
  ['"support" in principal.groups && principal.tenant == "acme"', true],
  ['args.tags.all(tag, tag.size() == 1)', true],
  ['tool.name.startsWith("update_")', true],
  ['now < timestamp("2027-01-01T00:00:00Z")', true],
  ['now.getHours() >= 9 && now.getHours() < 17', true],
  ['args.text.matches("^ticket [0-9]+$")', true],
  ['args.text.matches("^case")', false],
  ['!args.text . matches ( "a" ) && args.project.matches("^S")', true],
  ['"a.matches(" != args.project', true],
  ['has(args.absent)', false],
])('%s: %s', (text, expected) => {
  expect(holds(text)).toBe(expected)
})

describe('what cannot be evaluated does not hold, and says why', () => {
  it.each([
    ['args.absent == 1', {}],
    ['args.n > 2', { n: 'three' }],
    ['args.project == "SUP"', null],
    ['args.project == "SUP"', ['SUP']],
    ['args.constructor == "x"', {}],
    ['args.__proto__ == "x"', {}],
    ['args.project.startsWith("S")', { project: { startsWith: 1 } }],
  ])('%s with %j', (text, args) => {
    const found = readCondition(text).holds({ ...facts, args })
    expect(found.holds).toBe(false)
  })

  it('names the member that is not there', () => {
    expect(readCondition('args.absent == 1').holds(facts).why).toContain('absent')
  })
})

describe('what is no condition is refused where it is read', () => {
  it.each([
    ['args.', /./],
    ['nobody == 1', /nobody/],
    ['"text"', /string/],
    ['1 + 1', /int/],
    ['args.text.matches(args.pattern)', /pattern/],
    ['args.text.matches("(")', /pattern/],
    ['args.a.all(x, args.a.all(y, x == y))', /loop/],
  ])('%s', (text, says) => {
    expect(() => readCondition(text)).toThrow(ConditionProblem)
    expect(() => readCondition(text)).toThrow(says)
  })
})

it('a pattern costs linear time, whatever text it is tried on', () => {
  const condition = readCondition('args.text.matches("^(a+)+$")')
  expect(condition.holds({ ...facts, args: { text: `${'a'.repeat(50_000)}!` } }).holds).toBe(false)
})

it('says whether it looks at arguments', () => {
  expect(readCondition('args.n == 1').needsArguments).toBe(true)
  expect(readCondition('tool.name == "args"').needsArguments).toBe(false)
  expect(readCondition('principal.groups.exists(g, g == "a")').needsArguments).toBe(false)
})
