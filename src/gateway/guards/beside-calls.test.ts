import { expect, it } from 'vitest'
import { aReport } from '../../../test/doubles/gateway/samples.ts'
import { payloadOf } from '../../core/call/payload.ts'
import { unconfigured } from '../../core/call/tool-settings.ts'
import { KnownValues } from '../../core/secrets/known-values.ts'
import { BesideCalls } from './beside-calls.ts'

const token = `ghp_${'aZ3kQ9xV7bN2mW8pR5tY1uE6cD4gH0jL5tY1'}`
const own = 'kept-by-the-gateway-7'
const ownMask = '[secret masked: own_credential]'
const tokenMask = '[secret masked: github_token]'

function setting(secrets: 'pass' | 'mask') {
  const { report, counted } = aReport()
  const parts = { report, othersOf: () => ({ ...unconfigured, secrets }), keptOf: () => KnownValues.of([own]) }
  return { besides: new BesideCalls(parts, 'up'), counted }
}

it('of lists only what is surely a secret is taken out, whatever is configured', () => {
  const { besides, counted } = setting('mask')
  const page = { tools: [{ name: 'a', description: `${own} ${token}` }] }
  expect(besides.listed(payloadOf(page)).json()).toEqual({ tools: [{ name: 'a', description: `${ownMask} ${token}` }] })
  expect(counted.masked).toBe(1)
  const clean = payloadOf({ tools: [] })
  expect(besides.listed(clean)).toBe(clean)
})

it.each([
  ['pass', token],
  ['mask', tokenMask],
] as const)('questions and messages outside of calls are guarded as configured: %s', (secrets, left) => {
  const { besides } = setting(secrets)
  const url = 'https://a.example/sign-in?access_token=a8f3k2m9q7w1e5r4'
  const asked = { mode: 'url', message: `${token} ${own}`, url }
  expect(besides.question(payloadOf(asked))?.json()).toEqual({ mode: 'url', message: `${left} ${ownMask}`, url })
  expect(besides.question(undefined)).toBeUndefined()
  const said = besides.event({ kind: 'log', level: 'info', params: payloadOf({ level: 'info', data: [token, own] }) })
  expect(said).toMatchObject({ kind: 'log', level: 'info' })
  expect('params' in said ? said.params.json() : undefined).toEqual({ level: 'info', data: [left, ownMask] })
  const changed = { kind: 'changed', list: 'tools' } as const
  expect(besides.event(changed)).toBe(changed)
})
