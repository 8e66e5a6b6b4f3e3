// Whose limit it is: an agent that meets one takes nothing from another tool, another run or another principal, and what it states of its
// run lifts nothing of its principal.
import { afterEach, expect } from 'vitest'
import { startIssuer } from '../doubles/issuer.ts'
import { admitting, type Closers, resource } from '../peers/admitting.ts'
import type { Result } from '../peers/clients.ts'
import { modern } from '../peers/raw.ts'
import { plainTool, startScripted, textResult } from '../peers/scripted.ts'
import { promise } from './promise.ts'

const closers: Closers = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function gateway(limits: Record<string, unknown>) {
  const up = await startScripted({ tools: [plainTool('book'), plainTool('cancel')], call: ({ answer }) => answer(textResult('done')) })
  closers.push(up.close)
  const idp = await startIssuer()
  closers.push(idp.close)
  const auth = { issuers: [{ issuer: idp.issuer, claims: { team: 'department' } }] }
  const at = await admitting(closers, auth, { servers: { up: { url: up.url, era: 'legacy' } }, ...limits })
  const caller = async (sub: string, department: string) => {
    const authorization = `Bearer ${await idp.sign({ aud: resource, sub, department })}`
    return async (run: string, name: string, args: Record<string, unknown> = {}): Promise<string | undefined> => {
      const params = { name: `up__${name}`, arguments: args, _meta: { 'signalbox.dev/run': run } }
      const { message } = await modern(at.base, 'tools/call', params, { headers: { authorization } })
      const fault = (message.result as Result)._meta?.['signalbox.dev/fault']
      return fault === undefined ? undefined : `${fault.kind} ${fault.detail.scope}`
    }
  }
  /** How many were let through, and what the others were refused by. */
  const times = async (count: number, call: (n: number) => Promise<string | undefined>) => {
    const answers: (string | undefined)[] = []
    for (let n = 0; n < count; n += 1) answers.push(await call(n))
    return [answers.filter((one) => one === undefined).length, ...new Set(answers.filter((one) => one !== undefined))]
  }
  return { alice: await caller('alice', 'blue'), bob: await caller('bob', 'blue'), carol: await caller('carol', 'red'), times, up }
}

promise(
  ['R94', 'R96'],
  'a loop stops in its run: another tool, run and principal are untouched, also where the id of the run is the same',
  async () => {
    const { alice, bob, times, up } = await gateway({ loops: { identical: '10/1m' } })
    expect(await times(100, () => alice('one', 'book'))).toEqual([10, 'loop_detected run'])
    expect(await times(10, () => alice('one', 'cancel'))).toEqual([10])
    expect(await times(10, () => alice('two', 'book'))).toEqual([10])
    expect(await times(10, () => bob('one', 'book'))).toEqual([10])
    expect(up.count('tools/call')).toBe(40)
  },
)

promise(
  ['R91', 'R93'],
  'a run has its budget, and a new one for each call does not lift that of its principal or of the team',
  async () => {
    const budgets = { run: { calls: 5 }, principal: { calls: '20/1h' }, team: { calls: '30/1h' } }
    const { alice, bob, carol, times, up } = await gateway({ budgets })
    expect(await times(8, (n) => alice('one', 'book', { n }))).toEqual([5, 'budget_exhausted run'])
    expect(await times(100, (n) => alice(`run ${n}`, 'book', { n }))).toEqual([15, 'budget_exhausted principal'])
    expect(await times(30, (n) => bob(`run ${n}`, 'book', { n }))).toEqual([10, 'budget_exhausted team'])
    expect(await times(5, (n) => carol('one', 'book', { n }))).toEqual([5])
    expect(up.count('tools/call')).toBe(35)
  },
)

promise(['R92', 'R93'], 'a rate holds for its tool, principal or run alone, and what one refuses takes nothing of the others', async () => {
  const { alice, bob, times } = await gateway({
    tools: { 'up/book': { rate: '30/1h', ratePerPrincipal: '20/1h', ratePerRun: '10/1h' } },
    loops: { identical: 'off' },
  })
  expect(await times(50, () => alice('one', 'book'))).toEqual([10, 'rate_limited run'])
  expect((await times(50, () => alice('two', 'book')))[0]).toBe(10)
  expect(await times(50, () => alice('three', 'book'))).toEqual([0, 'rate_limited principal'])
  expect((await times(50, () => bob('one', 'book')))[0]).toBe(10)
  expect(await times(50, () => bob('two', 'book'))).toEqual([0, 'rate_limited tool'])
  expect(await times(50, () => bob('one', 'cancel'))).toEqual([50])
})

promise('R93', 'the budget of a run and the rate of a tool: each alone, both together, and neither', async () => {
  const limits = { budgets: { run: { calls: 20 } }, tools: { up: { rate: '12/1h' } } }
  const rate = await gateway(limits)
  // Many runs that each do little.
  expect(await rate.times(15, (n) => rate.alice(`run ${n}`, 'book', { n }))).toEqual([12, 'rate_limited tool'])
  const budget = await gateway(limits)
  // One that goes on and on, and is hard on no tool.
  expect(await budget.times(24, (n) => budget.alice('one', n % 2 === 0 ? 'book' : 'cancel', { n }))).toEqual([20, 'budget_exhausted run'])
  const both = await gateway(limits)
  expect(await both.times(40, (n) => both.alice('one', 'book', { n }))).toEqual([12, 'rate_limited tool'])
  // What the rate has refused is not missing here.
  expect(await both.times(40, (n) => both.alice('one', 'cancel', { n }))).toEqual([8, 'budget_exhausted run'])
  expect(await both.times(4, (n) => both.alice('two', 'cancel', { n }))).toEqual([4])
  const neither = await gateway(limits)
  expect(await neither.times(10, (n) => neither.alice('one', 'book', { n }))).toEqual([10])
  expect(await neither.times(10, (n) => neither.alice('one', 'cancel', { n }))).toEqual([10])
})
