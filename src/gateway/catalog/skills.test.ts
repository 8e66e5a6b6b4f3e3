import { describe, expect, it } from 'vitest'
import { bench, callOf, exchangeOf, faultOf, resultOf, shown } from '../../../test/doubles/gateway/catalog-rig.ts'
import { ScriptedUpstream } from '../../../test/doubles/gateway/scripted-upstream.ts'
import type { RoutedCall } from '../../core/call/call.ts'
import { complete, type Outcome, unscanned } from '../../core/call/outcome.ts'
import { payload, payloadOf } from '../../core/call/payload.ts'
import { climbs, moved, prefixed, unprefixed } from './skills.ts'

const digest = (digit: string) => `sha256:${digit.repeat(64)}`

/** An entry with its SKILL.md and more files of its directory. */
function skill(directory: string, ...files: string[]) {
  const uris = ['SKILL.md', ...files].map((file) => `${directory}/${file}`)
  return {
    uri: uris[0] ?? '',
    frontmatter: { name: directory.slice(directory.lastIndexOf('/') + 1), description: 'd', future: 'kept' },
    resources: uris.map((uri, index) => ({ uri, digest: digest(String(index)), size: index })),
  }
}

function server(id: string, skills: unknown[], more: { resources?: unknown[]; templates?: unknown[]; directoryRead?: boolean } = {}) {
  const settings = more.directoryRead === false ? {} : { directoryRead: true }
  const capabilities = { resources: { subscribe: true }, extensions: { 'io.modelcontextprotocol/skills': settings } }
  return new ScriptedUpstream(id, { capabilities, skills, ...more })
}

async function served(...upstreams: ScriptedUpstream[]) {
  const made = await bench(upstreams, {
    toolsets: {
      some: {
        include: ['one/skill://refunds/*', 'two/skill://refunds/*', 'one/any://*'],
        exclude: ['one/skill://refunds/secret.md'],
        rename: {},
        describe: {},
      },
    },
  }).start()
  const ask = async (
    method: 'skills/get' | 'resources/read' | 'resources/directory/read',
    uri: string,
    mount = '',
  ): Promise<{ sent: RoutedCall | undefined; outcome: Outcome }> => {
    let sent: RoutedCall | undefined
    const outcome = await made.catalog.stages.resolve.run(callOf(method, { uri }, { mount }), exchangeOf(made.clock), (call) => {
      sent = call
      const upstream = upstreams.find(({ id }) => id === call.upstream)
      if (upstream === undefined) throw new Error(`no upstream ${call.upstream}`)
      return upstream.send(call)
    })
    return { sent, outcome }
  }
  const list = async (mount = '') => made.catalog.stages.list(callOf('skills/list', {}, { mount }), exchangeOf(made.clock))
  /** Whom a URI leads to, and under which URI. */
  const leads = async (method: Parameters<typeof ask>[0], uri: string, mount?: string) => {
    const { sent, outcome } = await ask(method, uri, mount)
    return sent === undefined ? faultOf(outcome).kind : `${sent.upstream} ${sent.item.name}`
  }
  return { made, ask, list, leads }
}

describe('skills of several servers', () => {
  it('keep their URIs, entries and digests byte for byte', async () => {
    const { list } = await served(server('one', [skill('skill://refunds', 'a.md')]), server('two', [skill('github://o/r/triage')]))
    expect(resultOf(await list()).skills).toEqual([skill('skill://refunds', 'a.md'), skill('github://o/r/triage')])
    expect(resultOf(await list())).toMatchObject({ ttlMs: 0, cacheScope: 'private' })
  })

  it('that have one URI: the path of the later one begins with its server, in its entry, its files and what they are asked by', async () => {
    const two = server('two', [skill('skill://refunds', 'a.md')])
    const { made, list, leads, ask } = await served(server('one', [skill('skill://refunds')]), two)
    const moved = skill('skill://two/refunds', 'a.md')
    expect(resultOf(await list()).skills).toEqual([skill('skill://refunds'), moved])
    expect(made.catalog.status()[1]?.collisions).toEqual([{ kind: 'skill', name: 'skill://refunds/SKILL.md', owner: 'one', loser: 'two' }])
    expect(await leads('resources/read', 'skill://refunds/SKILL.md')).toBe('one skill://refunds/SKILL.md')
    expect(await leads('resources/read', 'skill://refunds/a.md')).toBe('one skill://refunds/a.md')
    expect(await leads('resources/read', 'skill://two/refunds/a.md')).toBe('two skill://refunds/a.md')
    expect(await leads('resources/directory/read', 'skill://two/refunds')).toBe('two skill://refunds')
    expect(resultOf(await list('two')).skills).toEqual([skill('skill://refunds', 'a.md')])
    expect(await leads('skills/get', 'skill://refunds/SKILL.md', 'two')).toBe('two skill://refunds/SKILL.md')

    two.answer = () => done({ skill: skill('skill://refunds', 'a.md') })
    expect(resultOf((await ask('skills/get', 'skill://two/refunds/SKILL.md')).outcome)).toEqual({ skill: moved })
    two.answer = () => done({ contents: [{ uri: 'skill://refunds/a.md', text: 'see skill://refunds/a.md' }] })
    const { contents } = resultOf((await ask('resources/read', 'skill://two/refunds/a.md')).outcome)
    expect(contents).toEqual([{ uri: 'skill://two/refunds/a.md', text: 'see skill://refunds/a.md' }])
    two.answer = () => done({ resources: [{ uri: 'skill://refunds/x', name: 'x', mimeType: 'inode/directory' }] })
    const { resources } = resultOf((await ask('resources/directory/read', 'skill://two/refunds')).outcome)
    expect(resources).toEqual([{ uri: 'skill://two/refunds/x', name: 'x', mimeType: 'inode/directory' }])
  })

  it('are not read from a result in which a member stands twice, where its URIs would have to be changed', async () => {
    const two = server('two', [skill('skill://refunds', 'a.md')])
    const { ask } = await served(server('one', [skill('skill://refunds')]), two)
    const text = '{"contents":[{"uri":"skill://refunds/a.md","uri":"skill://other/a.md","text":"x"}]}'
    two.answer = () => complete(payload(Buffer.from(text)), unscanned(text.length))
    expect(faultOf((await ask('resources/read', 'skill://two/refunds/a.md')).outcome).kind).toBe('upstream_protocol_error')
    expect((await ask('resources/read', 'skill://refunds/a.md', 'two')).outcome.kind).toBe('complete')
    two.answer = () => done({ contents: [{ uri: 7 }, null, 'x'], skill: [] })
    expect((await ask('resources/read', 'skill://two/refunds/a.md')).outcome.kind).toBe('complete')
    expect((await ask('skills/get', 'skill://two/refunds/SKILL.md')).outcome.kind).toBe('complete')
  })

  it('have a large result rewritten unparsed, in time that grows with its size alone', async () => {
    const two = server('two', [skill('skill://refunds', 'a.md')])
    const { ask } = await served(server('one', [skill('skill://refunds')]), two)
    const entries = (place: string) => `{"n":12345678901234567890,"resources":[${Array(40_000).fill(`{"uri":"${place}/x"}`).join(',')}]}`
    const text = entries('skill://refunds')
    const result = payload(Buffer.from(text))
    result.json = () => {
      throw new Error('it was parsed')
    }
    two.answer = () => complete(result, unscanned(text.length))
    const { outcome } = await ask('resources/directory/read', 'skill://two/refunds')
    const got = outcome.kind === 'complete' ? Buffer.from(outcome.result.bytes) : undefined
    expect(got?.equals(Buffer.from(entries('skill://two/refunds')))).toBe(true)
  })

  it('are moved too where an earlier server has one of their files as a resource, and hide such a resource of a later one', async () => {
    const resources = [{ uri: 'skill://refunds/a.md', name: 'a' }]
    const first = await served(new ScriptedUpstream('one', { resources }), server('two', [skill('skill://refunds', 'a.md')]))
    expect(shown(await first.list())).toEqual(['skill://two/refunds/SKILL.md'])
    expect(await first.leads('resources/read', 'skill://refunds/a.md')).toBe('one skill://refunds/a.md')
    const second = await served(server('one', [skill('skill://refunds', 'a.md')]), new ScriptedUpstream('two', { resources }))
    expect(await second.leads('resources/read', 'skill://refunds/a.md')).toBe('one skill://refunds/a.md')
    expect(second.made.catalog.status()[1]?.collisions).toEqual([
      { kind: 'resource', name: 'skill://refunds/a.md', owner: 'one', loser: 'two' },
    ])
  })

  it('have their files found whoever has a template for everything', async () => {
    const templates = [{ uriTemplate: 'skill://{+path}', name: 'all' }]
    const { leads } = await served(
      server('one', [skill('skill://a')], { templates }),
      server('two', [skill('skill://b', 'x.md')], { templates }),
    )
    expect(await leads('resources/read', 'skill://b/x.md')).toBe('two skill://b/x.md')
    expect(await leads('resources/read', 'skill://b/unlisted/y.md')).toBe('two skill://b/unlisted/y.md')
    expect(await leads('resources/directory/read', 'skill://b/unlisted')).toBe('two skill://b/unlisted')
    // What no list has is reached by the name of its server.
    expect(await leads('skills/get', 'skill://two/hidden/SKILL.md')).toBe('two skill://hidden/SKILL.md')
    expect(await leads('resources/read', 'skill://b/../a/x.md')).toBe('one skill://b/../a/x.md')
  })

  it('are asked for only where a server says that it has some, and directories where it reads them', async () => {
    const { leads, list } = await served(
      server('one', [skill('skill://a')], { directoryRead: false }),
      new ScriptedUpstream('two', { resources: [{ uri: 'any://x', name: 'x' }] }),
    )
    expect(await leads('skills/get', 'skill://nowhere/SKILL.md')).toBe('one skill://nowhere/SKILL.md')
    expect(await leads('skills/get', 'any://x')).toBe('one any://x')
    expect(await leads('resources/directory/read', 'skill://a')).toBe('unknown_tool')
    expect(await leads('resources/directory/read', 'any://x')).toBe('unknown_tool')
    expect(await leads('skills/get', 'any://x', 'two')).toBe('unknown_tool')
    expect(faultOf(await list('two')).kind).toBe('method_not_found')
  })

  it('are shown by a toolset as its resources are', async () => {
    const templates = [{ uriTemplate: 'any://{+path}', name: 'all' }]
    const { list, leads } = await served(
      server('one', [skill('skill://refunds', 'a.md', 'secret.md'), skill('skill://b')], { templates }),
      server('two', [skill('skill://b')]),
    )
    expect(shown(await list('some'))).toEqual(['skill://refunds/SKILL.md'])
    expect(await leads('resources/read', 'skill://refunds/a.md', 'some')).toBe('one skill://refunds/a.md')
    for (const uri of [
      'skill://refunds/secret.md',
      'skill://b/SKILL.md',
      'skill://two/b/SKILL.md',
      'skill://refunds/../b/SKILL.md',
      'skill://refunds/%2e%2E/b',
    ])
      expect([uri, await leads('resources/read', uri, 'some')]).toEqual([uri, 'unknown_tool'])
    expect(await leads('skills/get', 'skill://b/SKILL.md', 'some')).toBe('unknown_tool')
    expect(await leads('resources/directory/read', 'skill://b', 'some')).toBe('unknown_tool')
  })

  it('that would claim what is not in their directory are set aside', async () => {
    const { made, list } = await served(
      server('one', [
        { ...skill('skill://a'), resources: [{ uri: 'file:///etc/passwd', digest: digest('0'), size: 1 }] },
        { ...skill('skill://c'), resources: [{ uri: 'skill://c/../d', digest: digest('0'), size: 1 }] },
        { ...skill('skill://d'), uri: 'skill://d' },
        { ...skill('skill://e'), uri: 'skill:///SKILL.md' },
        { ...skill('skill://f'), resources: undefined },
        { ...skill('skill://g'), resources: 'dynamic' },
      ]),
    )
    expect(shown(await list())).toEqual(['skill://g/SKILL.md'])
    expect(made.catalog.status()[0]?.quarantined.map(({ path }) => path)).toEqual([
      '/resources/0/uri',
      '/resources/0/uri',
      '/uri',
      '/uri',
      '/resources',
    ])
  })

  it('are told of in what a mount says of itself', async () => {
    const { made } = await served(server('one', [], { directoryRead: false }), server('two', []), new ScriptedUpstream('three'))
    const declared = async (mount: string) => {
      const { capabilities } = resultOf(
        await made.catalog.stages.discover(callOf('server/discover', {}, { mount }), exchangeOf(made.clock)),
      )
      return (capabilities as { extensions?: Record<string, unknown> }).extensions?.['io.modelcontextprotocol/skills']
    }
    expect(await declared('')).toEqual({ directoryRead: true })
    expect(await declared('one')).toEqual({})
    expect(await declared('three')).toBeUndefined()
  })
})

describe('places', () => {
  it('move there and back', () => {
    for (const uri of ['skill://a/SKILL.md', 'file:///x/SKILL.md', 'note:a/SKILL.md']) {
      const visible = prefixed('two', uri)
      expect(moved(uri, uri, visible)).toBe(visible)
      expect(moved(visible, visible, uri)).toBe(uri)
      expect(unprefixed(visible, new Set(['two']))).toEqual({ server: 'two', own: uri })
    }
    expect(moved('other://a', 'skill://a/SKILL.md', 'skill://two/a/SKILL.md')).toBe('other://a')
  })

  it.each(['a:///..', 'a://x/../y', 'a://x/./y', 'a://x\\..\\y', 'a://x/%2e%2e/y', 'a://x%2F.%2e%2fy', 'a://x/..?q'])(
    'see that %s climbs',
    (uri) => {
      expect(climbs(uri)).toBe(true)
    },
  )

  it.each(['a://x/.y', 'a://x/..y', 'a://x/...', 'a://x.y', 'a://..x/'])('see that %s does not', (uri) => {
    expect(climbs(uri)).toBe(false)
  })
})

function done(value: unknown): Outcome {
  const result = payloadOf(value)
  return complete(result, unscanned(result.bytes.length))
}
