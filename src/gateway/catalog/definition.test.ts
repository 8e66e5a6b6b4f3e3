import * as modern from '@modelcontextprotocol/core'
import * as skills from '@modelcontextprotocol/core/ext/skills'
import * as legacy from '@modelcontextprotocol/sdk/types.js'
import { describe, expect, it } from 'vitest'
import { tool } from '../../../test/doubles/gateway/scripted-upstream.ts'
import fc from '../../../test/property.ts'
import type { ItemKind } from '../../core/call/item.ts'
import { payload, payloadOf } from '../../core/call/payload.ts'
import { toolsBySelector } from '../tools/by-selector.ts'
import { type Compile, type Definition, isQuarantined, type Quarantined, readDefinition, versionOf } from './definition.ts'

const anyArguments: Compile = () => ({ validate: () => [] })

function judged(kind: ItemKind, value: unknown, compile: Compile = anyArguments): Definition | Quarantined {
  const raw = typeof value === 'string' ? payload(Buffer.from(value)) : payloadOf(value)
  return readDefinition(kind, 'up', raw, versionOf(raw.bytes), { compile, tools: toolsBySelector({}) })
}

function admitted(kind: ItemKind, value: unknown): Definition {
  const found = judged(kind, value)
  if (isQuarantined(found)) throw new Error(JSON.stringify(found))
  return found
}

function published(definition: Definition): Record<string, unknown> {
  return JSON.parse(Buffer.from(definition.sent.edit(definition.mends).bytes).toString()) as Record<string, unknown>
}

describe('a definition', () => {
  it('keeps its bytes, unknown fields and 64-bit integers included', () => {
    const text = '{"name":"t","inputSchema":{"type":"object","x-max":9007199254740993},"future":{"a":[1.0]}}'
    expect(Buffer.from(admitted('tool', text).sent.bytes).toString()).toBe(text)
  })

  it.each([
    ['tool', 'nonsense', '', 'JSON'],
    ['tool', [], '', 'object'],
    ['tool', { inputSchema: { type: 'object' } }, '/name', 'missing'],
    ['tool', { name: '', inputSchema: { type: 'object' } }, '/name', 'empty'],
    ['tool', { name: 't' }, '/inputSchema', 'missing'],
    ['tool', { name: 't', inputSchema: { type: 'array' } }, '/inputSchema/type', '"object"'],
    ['tool', { name: 't', inputSchema: true }, '/inputSchema', 'object'],
    ['tool', '{"name":"a\\ud83d","inputSchema":{"type":"object"}}', '/name', 'half'],
    ['resource', '{"uri":"a:\\ud83d","name":"a"}', '/uri', 'half'],
    ['tool', '{"name":"t","name":"u","inputSchema":{"type":"object"}}', '', 'duplicate'],
    ['prompt', { name: 'p', arguments: [{ description: 'x' }] }, '/arguments/0/name', 'missing'],
    ['resource', { name: 'r' }, '/uri', 'missing'],
    ['template', { name: 'r', uriTemplate: 'a{b' }, '/uriTemplate', 'brace'],
  ] as const)('of a %s that clients would choke on is set aside with path and reason', (kind, value, path, reason) => {
    const found = judged(kind, value)
    expect(found).toMatchObject({ kind, path })
    expect(isQuarantined(found) && found.reason).toContain(reason)
  })

  it.each([
    [{ description: 7 }, {}],
    [{ title: ['t'], _meta: [], annotations: [] }, {}],
    [{ annotations: { readOnlyHint: 'yes', title: 't' } }, { annotations: { title: 't' } }],
    [{ outputSchema: [] }, {}],
    [{ inputSchema: { type: 'object', properties: [] } }, { inputSchema: { type: 'object' } }],
    [{ inputSchema: { type: ['object', 'null'], required: true } }, { inputSchema: { type: 'object' } }],
    [{ inputSchema: { type: 'any' } }, { inputSchema: { type: 'object' } }],
    [
      { inputSchema: { type: 'object', properties: { 'a/b': 5, c: null } } },
      { inputSchema: { type: 'object', properties: { 'a/b': {}, c: {} } } },
    ],
  ])('of a tool is published without what clients would choke on: %j', (odd, seen) => {
    const { description: _, ...plain } = tool('t')
    expect(published(admitted('tool', { ...plain, ...odd }))).toEqual({ ...plain, ...seen })
  })

  it('of a resource without a name is known by its URI', () => {
    expect(published(admitted('resource', { uri: 'a:b' }))).toEqual({ uri: 'a:b', name: 'a:b' })
    expect(published(admitted('template', { uriTemplate: 'a:{b}', name: null }))).toEqual({ uriTemplate: 'a:{b}', name: 'a:{b}' })
  })

  it('is published in whole characters, whatever was cut in it and wherever', () => {
    const text =
      '{"name":"t","title":"\\ud83d\\ude00","description":"a\\ud83d","inputSchema":{"type":"object","properties":{"\\ude00":{"enum":["\\uD800",12345678901234567890]}}},"n":12345678901234567890}'
    const bytes = Buffer.from(admitted('tool', text).sent.edit(admitted('tool', text).mends).bytes).toString()
    expect(bytes.replace('\\ud83d\\ude00', '')).not.toMatch(/\\ud[89a-f]/i)
    expect(bytes).toContain('"n":12345678901234567890')
    expect(JSON.parse(bytes)).toMatchObject({
      title: '\u{1F600}',
      description: 'a\uFFFD',
      inputSchema: { properties: { '\uFFFD': { enum: ['\uFFFD', expect.any(Number)] } } },
    })
  })

  it('is published without what a server wrote as null, without wrong adornments, and with schemas that old clients read', () => {
    const definition = admitted('tool', {
      name: 't',
      title: null,
      icons: [{ src: 5 }],
      execution: { taskSupport: 'required' },
      inputSchema: { properties: { any: true, none: false } },
    })
    expect(published(definition)).toEqual({
      name: 't',
      execution: {},
      inputSchema: { properties: { any: {}, none: { not: {} } }, type: 'object' },
    })
    const resource = admitted('resource', { uri: 'a:b', name: 'b', annotations: { priority: 7, audience: ['user'] }, size: 'big' })
    expect(published(resource)).toEqual({ uri: 'a:b', name: 'b', annotations: { audience: ['user'] } })
  })

  it('reads traits strictly: absent or contradictory is the cautious value', () => {
    const traits = (annotations?: Record<string, unknown>) =>
      admitted('tool', tool('t', annotations === undefined ? {} : { annotations })).traits
    expect(traits()).toEqual({ readOnly: false, destructive: true, idempotent: false })
    expect(traits({ idempotentHint: true })).toEqual({ readOnly: false, destructive: true, idempotent: true })
    expect(traits({ destructiveHint: false })).toEqual({ readOnly: false, destructive: false, idempotent: false })
    expect(traits({ readOnlyHint: true })).toEqual({ readOnly: true, destructive: false, idempotent: true })
    expect(traits({ readOnlyHint: true, destructiveHint: true })).toEqual({ readOnly: false, destructive: true, idempotent: false })
  })

  it('names the arguments that clients repeat in headers', () => {
    const properties = {
      region: { type: 'string', 'x-mcp-header': 'Region' },
      deep: { type: 'object', properties: { n: { type: 'integer', 'x-mcp-header': 'X-N' } } },
    }
    expect(admitted('tool', tool('t', { inputSchema: { type: 'object', properties } })).headers).toEqual([
      { path: ['region'], header: 'mcp-param-region', type: 'string' },
      { path: ['deep', 'n'], header: 'mcp-param-x-n', type: 'integer' },
    ])
  })

  it.each([
    [{ properties: { a: { type: 'number', 'x-mcp-header': 'A' } } }, 'type'],
    [{ properties: { a: { type: 'string', 'x-mcp-header': 'A B' } } }, 'token'],
    [{ properties: { a: { type: 'string', 'x-mcp-header': '' } } }, 'token'],
    [{ properties: { a: { type: 'string', 'x-mcp-header': 'A' }, b: { type: 'string', 'x-mcp-header': 'a' } } }, 'twice'],
    [{ properties: { a: { type: 'array', items: { type: 'string', 'x-mcp-header': 'A' } } } }, 'properties'],
    [{ anyOf: [{ properties: { a: { type: 'string', 'x-mcp-header': 'A' } } }] }, 'properties'],
    [{ $defs: { a: { type: 'string', 'x-mcp-header': 'A' } } }, 'properties'],
  ])('with a broken header annotation is set aside whole: %j', (schema, reason) => {
    const found = judged('tool', tool('t', { inputSchema: { type: 'object', ...schema } }))
    expect(isQuarantined(found) && found.reason).toContain(reason)
  })

  it('that is admitted is taken by the clients of both SDKs', () => {
    const odd = fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, fc.jsonValue({ maxDepth: 2 }))
    const decorated = (fields: Record<string, fc.Arbitrary<unknown>>) => fc.record(fields).map((value) => withoutUndefined(value))
    const common = {
      name: fc.oneof(fc.string(), odd),
      title: odd,
      description: odd,
      icons: fc.oneof(odd, fc.array(decorated({ src: fc.oneof(fc.string(), odd), sizes: odd }))),
      _meta: odd,
    }
    const annotations = fc.oneof(
      odd,
      decorated({
        audience: odd,
        priority: fc.oneof(fc.double(), odd),
        lastModified: fc.oneof(
          odd,
          fc.constantFrom(
            '2025-01-01T00:00:00Z',
            '2025-02-30T00:00:00Z',
            '2025-01-01',
            '2025-01-01T00:00:00.5+02:00',
            '2025-01-01T24:00:00Z',
            '2025-01-01T00:00:00+25:00',
          ),
        ),
        title: odd,
        readOnlyHint: odd,
      }),
    )
    const schema = fc.oneof(
      odd,
      decorated({ type: fc.constantFrom('object', 'array', undefined, null), properties: odd, required: odd, $schema: odd }),
    )
    const cases: [ItemKind, string, fc.Arbitrary<unknown>][] = [
      ['tool', 'ListTools', decorated({ ...common, inputSchema: schema, annotations, execution: odd })],
      [
        'prompt',
        'ListPrompts',
        decorated({ ...common, arguments: fc.oneof(odd, fc.array(decorated({ name: fc.oneof(fc.string(), odd), required: odd }))) }),
      ],
      ['resource', 'ListResources', decorated({ ...common, uri: fc.oneof(fc.webUrl(), odd), mimeType: odd, size: odd, annotations })],
      [
        'skill',
        'ListSkills',
        decorated({
          uri: fc.constantFrom('skill://a/SKILL.md', 'a', 7),
          frontmatter: fc.oneof(
            odd,
            decorated({ name: fc.oneof(fc.constant('a'), odd), description: fc.oneof(fc.string(), odd), license: odd }),
          ),
          resources: fc.oneof(
            fc.constant('dynamic'),
            odd,
            fc.array(
              fc.record({
                uri: fc.constantFrom('skill://a/SKILL.md', 'skill://a/b.md', 'skill://b/c.md', 7),
                digest: fc.constantFrom(`sha256:${'0'.repeat(64)}`, 'sha256:00', undefined),
                size: fc.constantFrom(0, 12, 1.5, -1, '1', undefined),
              }),
            ),
          ),
          _meta: odd,
        }),
      ],
      ['template', 'ListResourceTemplates', decorated({ ...common, uriTemplate: fc.constant('x://{a}'), mimeType: odd, annotations })],
    ]
    for (const [kind, list, arbitrary] of cases) {
      fc.assert(
        fc.property(arbitrary, (value) => {
          const found = judged(kind, value)
          if (isQuarantined(found)) return
          const member = { tool: 'tools', prompt: 'prompts', resource: 'resources', template: 'resourceTemplates', skill: 'skills' }[kind]
          const result = { [member]: [published(found)], ...(kind === 'skill' ? { ttlMs: 0, cacheScope: 'private' } : {}) }
          for (const sdk of [legacy, modern, skills] as unknown as Record<string, { parse(value: unknown): unknown }>[]) {
            sdk[`${list}ResultSchema`]?.parse(result)
          }
        }),
        { numRuns: 400 },
      )
    }
    // Work, and no waiting: a machine with much else to do takes long.
  }, 180_000)
})

function withoutUndefined(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined))
}
