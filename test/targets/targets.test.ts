// What is authorised is what is sent: for every method, at every door, to servers of both eras, the target that a record names is the one
// that the mount allowed and the one that the server was sent, whatever else stands in the params.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encodeHeaderValue } from '../../src/core/protocol/headers.ts'
import { locate } from '../../src/core/protocol/locate.ts'
import { members } from '../../src/core/protocol/scan.ts'
import { prefixed } from '../../src/gateway/catalog/skills.ts'
import fc from '../property.ts'
import { type DoorKind, doorKinds, type Rig, type Sent, startRig } from './rig.ts'
import { type Arrived, type Era, type KeepingServer, startKeepingServer } from './servers.ts'

const eras = ['legacy', 'modern'] as const
const schemes = { legacy: 'a', modern: 'b' } as const
let servers: Record<Era, KeepingServer>
let rig: Rig
/** Task ids as clients see them; the servers know them as `public`. */
const tasks = new Map<string, string>()

beforeAll(async () => {
  servers = { legacy: await startKeepingServer('legacy', 'a'), modern: await startKeepingServer('modern', 'b') }
  rig = await startRig(
    {
      servers: Object.fromEntries(eras.map((era) => [era, { url: servers[era].url, era }])),
      toolsets: {
        safe: {
          include: eras.flatMap((era) =>
            ['public', `${schemes[era]}://x/public`, `${schemes[era]}-t://public/*`].map((name) => `${era}/${name}`),
          ),
        },
      },
    },
    'safe',
  )
  const name = 'modern__public'
  const made = await rig.send('modern http', 'tools/call', JSON.stringify({ name, arguments: { run: 'as a task' } }), name)
  tasks.set(made.answer.result.taskId, 'public')
})
afterAll(async () => {
  await rig.stop()
  for (const era of eras) await servers[era].close()
})

/** The member of `params` that holds the target. */
const keyOf: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'resources/directory/read': 'uri',
  'skills/get': 'uri',
  'completion/complete': 'ref',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
}

/** What a server takes as the target of a request, by the specification. */
function targetSent({ method, params }: Arrived): unknown {
  if (method !== 'completion/complete') return params[keyOf[method] ?? '']
  const ref = params.ref as Record<string, unknown>
  return ref.type === 'ref/prompt' ? ref.name : ref.uri
}

/** What a client may call it. */
function visible(era: Era, { method, params }: Arrived, own: unknown): unknown[] {
  if (method.startsWith('tasks/')) return [...tasks].flatMap(([sealed, taskId]) => (taskId === own ? [sealed] : []))
  const { type } = (method === 'completion/complete' ? params.ref : {}) as { type?: string }
  if (method === 'tools/call' || method === 'prompts/get' || type === 'ref/prompt') return [`${era}__${own}`]
  // Servers with skills may be named by the path.
  return [own, prefixed(era, String(own))]
}

/** Methods whose target no header repeats. */
const unheaded = new Set(['completion/complete', 'skills/get', 'resources/directory/read'])

const targetKeys = ['name', 'uri', 'taskId', 'ref']

/** Keys of the object at `path` that name targets, doubled ones twice. */
function targetsAt(arrived: Arrived, path: readonly string[]): string[] {
  const found = locate(Buffer.from(arrived.text), path)
  return found === undefined ? [] : members(found, 0).flatMap(({ key }) => (targetKeys.includes(key) ? [key] : []))
}

/** Holds one request against what the servers were sent and what was recorded. */
function hold({ records, answer }: Sent, before: Record<Era, number>): void {
  expect(records).toHaveLength(1)
  const [record] = records
  const sent = eras.flatMap((era) => servers[era].arrived.slice(before[era]).map((arrived) => ({ era, arrived })))
  expect(sent.length).toBeLessThanOrEqual(1)
  for (const { era, arrived } of sent) {
    const own = targetSent(arrived)
    expect(String(own)).toContain('public')
    expect(record).toMatchObject({ method: arrived.method, upstream: era })
    expect(visible(era, arrived, own)).toContain(record?.target)
    if (record?.family !== 'task') expect(record?.item).toBe(own)
    const place = keyOf[arrived.method] ?? ''
    expect(targetsAt(arrived, ['params'])).toEqual([place])
    if (place === 'ref') expect(targetsAt(arrived, ['params', 'ref'])).toHaveLength(1)
    if (era === 'modern') expect(arrived.named).toBe(unheaded.has(arrived.method) ? undefined : own)
  }
  if (answer.result !== undefined) expect(sent).toHaveLength(1)
}

function marks(): Record<Era, number> {
  return { legacy: servers.legacy.arrived.length, modern: servers.modern.arrived.length }
}

async function sendThrough(door: DoorKind, method: string, params: string, named?: string): Promise<Sent> {
  const before = marks()
  const sent = await rig.send(door, method, params, named)
  hold(sent, before)
  return sent
}

describe.each(doorKinds)('%s', (door) => {
  test.each(eras)('a name beside the URI decides nothing (%s server)', async (era) => {
    const [open, closed] = ['public', 'secret'].map((name) => `${schemes[era]}://x/${name}`) as [string, string]
    const stolen = await sendThrough(door, 'resources/read', JSON.stringify({ name: open, uri: closed }), closed)
    expect(stolen.answer.error?.data?.uri ?? stolen.answer.error?.message).toContain(closed)
    expect(stolen.records[0]?.target).toBe(closed)
    const read = await sendThrough(door, 'resources/read', JSON.stringify({ name: 'any', uri: open, title: 'kept' }), open)
    expect(read.answer.result).toBeDefined()
    expect(servers[era].arrived.at(-1)?.params).toMatchObject({ uri: open, title: 'kept' })
  })

  test.each(eras)('a completion is for what its type says (%s server)', async (era) => {
    const argument = { name: 'id', value: '' }
    const ref = { type: 'ref/resource', name: `${era}__public`, uri: `${schemes[era]}-t://secret/{id}` }
    const stolen = await sendThrough(door, 'completion/complete', JSON.stringify({ ref, argument }))
    expect(stolen.answer.error).toBeDefined()
    const asked = { ...ref, uri: `${schemes[era]}-t://public/{id}` }
    expect((await sendThrough(door, 'completion/complete', JSON.stringify({ ref: asked, argument }))).answer.result).toBeDefined()
    expect(
      (await sendThrough(door, 'completion/complete', JSON.stringify({ ref: { ...ref, type: 'ref/other' }, argument }))).answer.error,
    ).toBeDefined()
  })

  test.each(eras)('what a toolset does not list is not read through it because a neighbour is listed (%s server)', async (era) => {
    const uri = `${schemes[era]}://x/unlisted`
    const { answer } = await sendThrough(door, 'resources/read', JSON.stringify({ uri }), uri)
    expect(answer.error).toBeDefined()
  })

  // A stateless client listens; which URIs it may hear of has tests beside the hub.
  if (!door.startsWith('modern'))
    test('a subscription is to the URI alone', async () => {
      const answer = await rig.ask(door, 'resources/subscribe', '{"name":"a://x/public","uri":"a://x/secret"}')
      expect(answer.error).toBeDefined()
      expect((await rig.ask(door, 'resources/subscribe', '{"name":"a://x/secret","uri":"a://x/public"}')).result).toEqual({})
      // Once for all sessions whose connection the server cannot tell apart.
      const watched = servers.legacy.arrived.filter(({ method }) => method === 'resources/subscribe').map(({ params }) => params.uri)
      expect([...new Set(watched)]).toEqual(['a://x/public'])
    })

  test('whatever stands in the params, what is recorded is what was allowed and what was sent', async () => {
    const reached = new Map<string, number>()
    await fc.assert(
      fc.asyncProperty(requests, async ({ method, params, named }) => {
        const { answer } = await sendThrough(door, method, params, named)
        if (answer.result !== undefined) reached.set(method, (reached.get(method) ?? 0) + 1)
      }),
      { numRuns: 400, seed: 20_261_129 },
    )
    const tried = Object.keys(keyOf).filter((method) => door.startsWith('modern') || !method.startsWith('tasks/'))
    expect(tried.filter((method) => (reached.get(method) ?? 0) < 5)).toEqual([])
  }, 120_000)
})

// How requests are made: members with a key in some spelling and a value that may be the right one, a wrong one or no string at all.

const spelled = (key: string): fc.Arbitrary<string> =>
  fc.constantFrom(JSON.stringify(key), JSON.stringify(key), `"\\u00${key.charCodeAt(0).toString(16)}${key.slice(1)}"`)

const names = fc.constantFrom(
  ...eras.flatMap((era) => [`${era}__public`, `${era}__secret`]),
  ...eras.flatMap((era) => ['public', 'secret', 'unlisted'].map((name) => `${schemes[era]}://x/${name}`)),
  ...eras.flatMap((era) =>
    ['public', 'secret'].flatMap((name) => [
      `${schemes[era]}://${era}/x/${name}`,
      `${schemes[era]}-t://${name}/7`,
      `${schemes[era]}-t://${name}/{id}`,
    ]),
  ),
  'public',
  'secret',
  '',
  '\u{1f511} key',
)
const sealed = fc.constant('sealed').map(() => [...tasks.keys()][0] ?? '')
const odd = fc.constantFrom('null', '5', 'true', '[]', '{}', '["secret"]', '{"uri":"a://x/secret"}', '{"name":"legacy__secret"}')
const value = fc.oneof({ weight: 6, arbitrary: fc.oneof(names, sealed).map((one) => JSON.stringify(one)) }, { weight: 1, arbitrary: odd })
/** Often what the method wants. */
const likely = (...wanted: string[]): fc.Arbitrary<string> =>
  fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...wanted.map((one) => JSON.stringify(one))) }, { weight: 2, arbitrary: value })
const rightRefs = fc.constantFrom(
  ...eras.flatMap((era) => [
    `{"type":"ref/prompt","name":"${era}__public","uri":"${schemes[era]}://x/secret"}`,
    `{"name":"${era}__secret","uri":"${schemes[era]}-t://public/{id}","type":"ref/resource"}`,
  ]),
)
const refs = fc
  .tuple(
    fc.constantFrom('"ref/prompt"', '"ref/resource"', '"ref/resource"', '"ref/other"', '7', undefined),
    fc.array(fc.tuple(fc.constantFrom('name', 'uri', 'taskId', 'title').chain(spelled), value), { maxLength: 3 }),
  )
  .map(([type, members]) => object([...(type === undefined ? [] : [['"type"', type] as const]), ...members]))

const member = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(
      fc.constantFrom('name', 'uri', 'taskId', 'Name', 'URI', '__proto__', 'constructor', 'target').chain(spelled),
      value,
    ),
  },
  { weight: 1, arbitrary: fc.tuple(spelled('ref'), fc.oneof(refs, value)) },
)
const ownMember: Readonly<Record<string, fc.Arbitrary<readonly [string, string]>>> = {
  name: fc.tuple(spelled('name'), likely(...eras.map((era) => `${era}__public`))),
  uri: fc.tuple(
    spelled('uri'),
    likely(...eras.flatMap((era) => [`${schemes[era]}://x/public`, `${schemes[era]}-t://public/7`, `${schemes[era]}://${era}/x/public`])),
  ),
  taskId: fc.tuple(
    spelled('taskId'),
    fc.oneof(
      sealed.map((one) => JSON.stringify(one)),
      value,
    ),
  ),
  ref: fc.tuple(spelled('ref'), fc.oneof(rightRefs, refs)),
}
const requests = fc.constantFrom(...Object.keys(keyOf)).chain((method) => {
  const key = keyOf[method] ?? ''
  return fc
    .tuple(ownMember[key] ?? member, fc.array(member, { maxLength: 3 }), fc.boolean(), fc.constantFrom(true, true, true, false))
    .map(([own, others, last, honest]) => {
      const all = last ? [...others, own] : [own, ...others]
      const extra = method === 'completion/complete' ? [['"argument"', '{"name":"id","value":""}'] as const] : []
      const params = object([...all, ...extra])
      const said = (JSON.parse(params) as Record<string, unknown>)[key]
      const named = key === 'ref' || typeof said !== 'string' ? undefined : encodeHeaderValue(honest ? said : 'modern__public')
      return { method, params, named }
    })
})

function object(members: readonly (readonly [string, string])[]): string {
  return `{${members.map(([key, one]) => `${key}:${one}`).join(',')}}`
}
