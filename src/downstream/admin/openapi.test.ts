// The document of the admin door is one by the specification, and says what is served: no address more and none less.
import { METHODS } from 'node:http'
import { Validator } from '@seriousme/openapi-schema-validator'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { noAnswers } from '../../../test/doubles/admin-parts.ts'
import { noDecisions } from '../../../test/doubles/decisions.ts'
import { type Response, send } from '../../../test/doubles/downstream/http-peer.ts'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { silentReport } from '../../../test/doubles/report.ts'
import { systemRandom } from '../../platform/random/system-random.ts'
import { createSealer, freshKey } from '../../platform/seal/aes-sealer.ts'
import { adminDocument } from './app.ts'
import { createAdminDoor } from './door.ts'
import { roles } from './role.ts'

interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly 'x-role': string
  readonly parameters?: readonly { readonly in: string; readonly name: string }[]
  readonly responses: Readonly<Record<string, { readonly content: Readonly<Record<string, unknown>> }>>
}

interface Document {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

const door = createAdminDoor({
  ...noAnswers,
  sealer: createSealer(freshKey(), systemRandom),
  clock: new ManualClock(),
  report: silentReport,
  decisions: noDecisions,
  listenHost: '127.0.0.1',
})
let document: Document
let port = 0
beforeAll(async () => {
  document = (await adminDocument()) as Document
  port = (await door.listen({ host: '127.0.0.1', port: 0 })).port
})
afterAll(() => door.close())

const ask = (method: string, path: string): Promise<Response> =>
  send(port, {
    method,
    path: path.replace(/\{\w+\}/g, 'ab').replace(/\/events$/, '/events?types=none'),
    ...(method === 'POST' ? { body: '{}' } : {}),
  })

const isStream = (item: Readonly<Record<string, Operation>>): boolean =>
  item.get?.responses['200']?.content['text/event-stream'] !== undefined

const operations = (): [string, string, Operation][] =>
  Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, one]): [string, string, Operation] => [method.toUpperCase(), path, one]),
  )

describe('the OpenAPI document', () => {
  it('is one, by the schema of OpenAPI 3.1', async () => {
    const found = await new Validator().validate(structuredClone(document) as never)
    expect([found.errors, found.valid]).toEqual([undefined, true])
    expect(document.openapi).toBe('3.1.0')
    const broken = await new Validator().validate({ ...structuredClone(document), paths: [] } as never)
    expect(broken.valid).toBe(false)
  })

  it('is what the door itself gives', async () => {
    expect((await ask('GET', '/admin/v1/openapi.json')).json).toEqual(JSON.parse(JSON.stringify(document)))
  })

  it('has every address that is served, and no other', async () => {
    const told = JSON.parse((await ask('GET', '/nowhere')).text)
      .detail.replace('Served here: ', '')
      .replace(/\.$/, '')
      .split(', ')
    expect(Object.keys(document.paths).sort()).toEqual(told.sort())
  })

  it('has every method that an address takes, and no other', async () => {
    for (const [path, item] of Object.entries(document.paths)) {
      const taken = new Set(Object.keys(item).map((method) => method.toUpperCase()))
      if (taken.has('GET') && !isStream(item)) taken.add('HEAD')
      for (const method of METHODS.filter((one) => one !== 'CONNECT')) {
        const { status, headers } = await ask(method, path)
        if (taken.has(method)) expect([method, path, status === 405]).toEqual([method, path, false])
        else expect([method, path, status, headers.allow]).toEqual([method, path, 405, [...taken].sort().join(', ')])
      }
    }
  })

  it('says of each operation what it is, which role it needs, and how it refuses', () => {
    const ids = operations().map(([, , { operationId }]) => operationId)
    expect(new Set(ids).size).toBe(ids.length)
    for (const [method, path, { summary, responses, ...operation }] of operations()) {
      expect([method, path, summary.length > 5, roles.includes(operation['x-role'] as never)]).toEqual([method, path, true, true])
      expect(Object.keys(responses)).toEqual(['200', 'default'])
      expect(Object.keys(responses.default?.content ?? {})).toEqual(['application/problem+json'])
    }
  })

  it('lists page by cursor', () => {
    const lists = operations().filter(
      ([method, path]) => method === 'GET' && /\/admin\/v1\/[a-z]+$/.test(path) && !/\/(events|config|summary)$/.test(path),
    )
    expect(lists.length).toBeGreaterThan(5)
    for (const [, path, { parameters = [] }] of lists) {
      const names = parameters.filter((one) => one.in === 'query').map(({ name }) => name)
      expect([path, names]).toEqual([path, expect.arrayContaining(['limit', 'cursor'])])
    }
  })
})
