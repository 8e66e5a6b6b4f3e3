import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { importClientText } from './mcp-json.ts'
import type { ImportOptions } from './mcp-json-servers.ts'
import { formatProblem } from './problem.ts'

async function imported(text: string, change: Partial<ImportOptions> = {}, file = 'mcp.json') {
  const result = await importClientText(file, text, { env: {}, workspaceFolder: '/ws', ask: undefined, ...change })
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'))
  return result
}

const good = '"good": {"command": "node", "args": ["s.mjs"]}'

describe('an odd entry breaks itself alone, and is named with file, place and mend', () => {
  const cases: [string, string, RegExp][] = [
    ['nothing in it', '{}', /^is empty \(mcp\.json:2\); give `command` or `url`, or remove the entry$/],
    ['null', 'null', /^expected a mapping, got nothing \(mcp\.json:2\)/],
    ['a list', '["npx", "x"]', /^expected a mapping, got a list/],
    ['text', '"npx x"', /^expected a mapping, got text/],
    ['a number', '7', /^expected a mapping, got a number/],
    ['neither command nor url', '{"env": {}}', /^has neither `command` nor `url`/],
    ['url: null and nothing else', '{"url": null}', /^its `url` is empty, and nothing else says/],
    ['command: ""', '{"command": "", "args": ["x"]}', /^its `command` is empty/],
    ['a command that is an empty list', '{"type": "local", "command": []}', /^its `command` is empty/],
    ['both command and url', '{"command": "x", "url": "http://a/mcp"}', /^has both `command` and `url`/],
    ['type: ws', '{"type": "ws", "url": "ws://x"}', /^WebSocket is no transport of MCP/],
    ['a ws address', '{"url": "ws://x/mcp"}', /^WebSocket is no transport of MCP/],
    ['arguments as one text', '{"command": "x", "args": "-y z"}', /^expected a list, got text .*there is no shell/],
    ['a mapping in args', '{"command": "x", "args": ["a", {"b": 1}]}', /^expected text, got a mapping/],
    ['null in args', '{"command": "x", "args": ["a", null]}', /^expected text, got nothing/],
    ['env as text', '{"command": "x", "env": "A=b"}', /^expected a mapping of names to text, got text/],
    ['a mapping in env', '{"command": "x", "env": {"A": {}}}', /^expected text, got a mapping/],
    ['an address without scheme', '{"url": "localhost:3000/mcp"}', /^the address has no scheme .*write http:\/\/localhost:3000\/mcp$/],
    ['another one', '{"url": "mcp.example.com/mcp"}', /^the address has no scheme .*write https:\/\/mcp\.example\.com\/mcp$/],
    ['an address of no web', '{"url": "file:///etc/mcp"}', /^file: is no protocol of MCP servers/],
    ['an address that is none', '{"url": "see the wiki"}', /^is no address/],
    ['a path as address', '{"url": "/mcp"}', /^is no address/],
    ['headers as text', '{"url": "http://a/mcp", "headers": "X: y"}', /^expected a mapping of names to text/],
    ['a server of an extension', '{"source": "extension", "settings": {"key": "x"}}', /^is started by an extension of the editor/],
    ['one that is built in', '{"type": "builtin", "name": "memory"}', /^is built into its client/],
    ['one that is only switched on', '{"enabled": true}', /^only switches on a server that another file describes/],
    ['an envFile that is missing', '{"command": "x", "envFile": ".env.none"}', /^the envFile \/ws\/\.env\.none does not exist/],
    ['a variable that is not set', '{"url": "https://${HOST}/mcp"}', /^the environment variable HOST is not set/],
  ]
  it.each(cases)('%s', async (_, entry, expected) => {
    const { servers, broken } = await imported(`{"mcpServers": {"before": {"url": "http://a/mcp"},\n "odd": ${entry},\n ${good}}}`)
    expect(broken.map((each) => each.name)).toEqual(['odd'])
    expect(broken[0]?.reason).toMatch(expected)
    expect(broken[0]?.problem).toMatchObject({ file: 'mcp.json', line: 2 })
    expect(Object.keys(servers).filter((name) => name !== 'odd')).toEqual(['before', 'good'])
  })

  it('and of several things that are wrong in it, each is named', async () => {
    const { broken } = await imported('{"servers": {"a": {"command": "x", "args": [{}], "env": {"B": []}, "cwd": {}}}}')
    expect(broken.map((each) => each.problem.key)).toEqual(['servers.a.args.0', 'servers.a.env.B', 'servers.a.cwd'])
  })

  it('without repeating a password that stands in the address', async () => {
    const { broken } = await imported('{"servers": {"a": {"url": "ftp://me:hunter2@host/x"}, "b": {"url": "me hunter2"}}}')
    expect(broken).toHaveLength(2)
    expect(JSON.stringify(broken)).not.toContain('hunter2')
  })
})

describe('what is odd and can be told is taken', () => {
  const http = { url: 'http://a/mcp', headers: {} }
  const stdio = { command: 'x', args: [] as string[], env: {}, cwd: '/ws' }
  const cases: [string, string, object][] = [
    ['type: local', '{"type": "local", "command": "x"}', stdio],
    ['type: remote', '{"type": "remote", "url": "http://a/mcp"}', { ...http, transport: 'auto' }],
    ['type: http', '{"type": "http", "url": "http://a/mcp"}', { ...http, transport: 'auto' }],
    ['type: streamable_http', '{"type": "streamable_http", "url": "http://a/mcp"}', { ...http, transport: 'streamable-http' }],
    ['type: streamable-http', '{"type": "streamable-http", "url": "http://a/mcp"}', { ...http, transport: 'streamable-http' }],
    ['type: streamableHttp', '{"type": "streamableHttp", "url": "http://a/mcp"}', { ...http, transport: 'streamable-http' }],
    ['type: SSE', '{"type": "SSE", "url": "http://a/mcp"}', { ...http, transport: 'sse' }],
    ['transportType', '{"transportType": "sse", "url": "http://a/mcp"}', { ...http, transport: 'sse' }],
    ['type: null', '{"type": null, "command": "x"}', stdio],
    ['url: null beside a command', '{"command": "x", "url": null}', stdio],
    ['url: "" beside a command', '{"command": "x", "url": ""}', stdio],
    ['command: null beside an address', '{"command": null, "url": "http://a/mcp"}', { ...http, transport: 'auto' }],
    ['everything else null', '{"command": "x", "args": null, "env": null, "cwd": null, "envFile": null, "headers": null}', stdio],
    ['headers: null', '{"url": "http://a/mcp", "headers": null}', { ...http, transport: 'auto' }],
    [
      'numbers in args, as written',
      '{"command": "x", "args": ["-p", 8080, 1.10, true, false]}',
      { ...stdio, args: ['-p', '8080', '1.10', 'true', 'false'] },
    ],
    [
      'numbers in env, as written',
      '{"command": "x", "env": {"PORT": 8080, "V": 1.10, "ON": true, "N": null, "E": ""}}',
      { ...stdio, env: { PORT: '8080', V: '1.10', ON: 'true', E: '' } },
    ],
    ['a number in headers', '{"url": "http://a/mcp", "headers": {"X-Id": 7}}', { ...http, headers: { 'X-Id': '7' }, transport: 'auto' }],
    ['env as a list', '{"command": "x", "env": ["A=b=c", "D="]}', { ...stdio, env: { A: 'b=c', D: '' } }],
    ['an address with spaces around it', '{"url": " http://a/mcp "}', { ...http, transport: 'auto' }],
    ['members of the other kind', '{"url": "http://a/mcp", "args": "x", "env": 7}', { ...http, transport: 'auto' }],
  ]
  it.each(cases)('%s', async (_, entry, expected) => {
    const { servers, broken } = await imported(`{"mcpServers": {"a": ${entry}}}`)
    expect(broken).toEqual([])
    expect(servers.a).toEqual(expected)
  })

  it('a type that nobody knows is a remark where the rest is plain', async () => {
    const { servers, warnings } = await imported(
      '{"servers": {"a": {"type": "custom", "url": "http://a/mcp"}, "b": {"type": "http", "command": "x"}}}',
    )
    expect(servers.a?.transport).toBe('auto')
    expect(servers.b?.command).toBe('x')
    expect(warnings.map(formatProblem)).toEqual([
      'mcp.json:1:28 servers.a.type: "custom" is no transport that is known here; it is taken for http; write that, or remove the key',
      'mcp.json:1:76 servers.b.type: "http" does not fit the rest of the entry; it is taken for stdio; write that, or remove the key',
    ])
  })

  it('members that nobody knows are named and change nothing', async () => {
    const { servers, broken, warnings } = await imported(
      '{"servers": {"a": {"command": "x", "colour": "red", "nested": {"b": [1]}, "comand": "y"}}}',
    )
    expect([Object.keys(servers), broken]).toEqual([['a'], []])
    expect(warnings.map((each) => `${each.key}: ${each.mend}`)).toEqual([
      'servers.a.colour: remove it, or ignore this',
      'servers.a.nested: remove it, or ignore this',
      'servers.a.comand: did you mean command?',
    ])
  })

  it('of a server that stands twice the last is taken, as clients do, and it is said', async () => {
    const { servers, warnings } = await imported('{"mcpServers": {"a": {"command": "x"},\n "a": {"command": "y"}}}')
    expect(servers.a?.command).toBe('y')
    expect(warnings.map(formatProblem)).toEqual(['mcp.json:2:2: the same key stands here twice; the last one is taken; keep one of them'])
  })

  it('a dollar sign that is no variable of this client is a remark', async () => {
    const { servers, warnings } = await imported('{"mcpServers": {"a": {"command": "x", "env": {"KEY": "$TOKEN"}}}}', {
      env: { TOKEN: 't' },
    })
    expect(servers.a?.env).toEqual({ KEY: '$TOKEN' })
    expect(warnings.map(formatProblem).join()).toContain('write ${TOKEN} for the variable')
  })
})

describe('an entry that is switched off', () => {
  const entries = [
    '{"disabled": true}',
    '{"enabled": false, "type": "ws", "url": 7}',
    '{"disabled": true, "command": "x", "args": {"a": 1}, "alwaysAllow": ["b"], "odd": 1}',
    '{"disabled": true, "command": "x", "env": {"A": "${NOT_SET}"}, "envFile": ".env.none"}',
    '{"disabled": "true", "url": "nope"}',
  ]
  it.each(entries)('is not judged at all: %s', async (entry) => {
    const { servers, broken, warnings } = await imported(`{"mcpServers": {"Switched Off": ${entry}, ${good}}}`)
    expect([broken, warnings]).toEqual([[], []])
    expect(servers['switched-off']?.enabled).toBe(false)
    expect(servers.good?.enabled).toBeUndefined()
  })

  it('asks for no input', async () => {
    const asked: string[] = []
    const ask = async ({ id }: { id: string }) => {
      asked.push(id)
      return 'x'
    }
    await imported('{"inputs": [{"id": "k", "type": "promptString"}], "servers": {"a": {"command": "${input:k}", "enabled": false}}}', {
      ask,
    })
    expect(asked).toEqual([])
  })
})

describe('a file of a variable', () => {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'signalbox-entries-'))
    writeFileSync(join(folder, 'token'), 'from-a-file\n')
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it('is read, and what it yields is a secret', async () => {
    const { servers, secrets } = await imported('{"mcpServers": {"a": {"serverUrl": "http://a/mcp", "headers": {"X": "${file:token}"}}}}', {
      workspaceFolder: folder,
    })
    expect(servers.a?.headers).toEqual({ X: 'from-a-file' })
    expect(secrets).toEqual(['from-a-file'])
  })
})
