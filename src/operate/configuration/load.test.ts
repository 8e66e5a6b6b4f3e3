import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { formatProblem } from '../../platform/config/index.ts'
import { parseAddress } from './address.ts'
import { kindOf, type LoadRequest, load } from './load.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'signalbox-load-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

function file(text: string, name = 'gw.yaml'): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

async function problemsOf(text: string, change: Partial<LoadRequest> = {}): Promise<string[]> {
  const result = await load({ config: file(text), env: {}, cwd: folder, ...change })
  return result.ok ? [] : result.problems.map((problem) => formatProblem(problem).replace(`${folder}/`, ''))
}

async function loaded(text: string, change: Partial<LoadRequest> = {}) {
  const result = await load({ config: file(text), env: {}, cwd: folder, ...change })
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'))
  return result.loaded
}

describe('contradictory time-outs are errors at the key that is to blame', () => {
  const cases: [string, string][] = [
    [
      'timeouts: {call: 50000, maximum: 40000}',
      'gw.yaml:1:18 timeouts.call: contradiction: `call` (50000 ms) is longer than `maximum` (40000 ms)',
    ],
    ['timeouts: {maximum: 40000}', 'gw.yaml:1:21 timeouts.maximum: contradiction: `call` (50000 ms) is longer than `maximum` (40000 ms)'],
    ['timeouts: {connect: 31000}', 'gw.yaml:1:21 timeouts.connect: contradiction: `connect` (31000 ms) is longer than `start` (30000 ms)'],
    ['timeouts: {probe: 31000}', 'timeouts.probe: contradiction'],
    ['servers: {a: {command: x, timeouts: {call: 1000000}}}', 'servers.a.timeouts.call: contradiction'],
    ['limits: {resultBytes: 100000000}', 'limits.resultBytes: contradiction'],
  ]
  it.each(cases)('%s', async (text, expected) => {
    expect((await problemsOf(text)).join('\n')).toContain(expected)
  })

  it('while a server that sets one limit keeps the others of the gateway', async () => {
    const { settings } = await loaded('timeouts: {call: 1000, connect: 500}\nservers: {a: {command: x, timeouts: {start: 9000}}}')
    expect(settings.servers.a?.timeouts).toEqual({ start: 9000 })
  })

  it('and a call that outlasts the clients is warned about', async () => {
    const { warnings } = await loaded('servers: {a: {command: x}}\ntimeouts: {call: 120000}')
    expect(warnings.map((each) => each.key)).toEqual(['timeouts.call'])
  })
})

describe('names', () => {
  it('of servers and toolsets never clash', async () => {
    expect((await problemsOf('servers: {a: {command: x}}\ntoolsets: {a: {include: [a]}}')).join()).toContain(
      'toolsets.a: the server a has the same name',
    )
  })
  it('that a toolset uses exist, or the nearest is suggested', async () => {
    expect(await problemsOf('servers: {github: {command: x}}\ntoolsets:\n  t:\n    include: [githb/issue*]\n')).toEqual([
      'gw.yaml:4:15 toolsets.t.include.0: there is no server "githb"; did you mean github?',
    ])
  })
  it('that a selector of tools uses exist, or the nearest is suggested', async () => {
    expect(await problemsOf('servers: {github: {command: x}}\ntools:\n  githb/issue*: {retry: never}\n  "*": {retry: never}\n')).toEqual([
      'gw.yaml:3:3 tools.githb/issue*: there is no server "githb"; did you mean github?',
    ])
    expect((await problemsOf('servers: {a: {command: x}}\ntools: {a/b: {retyr: never}}')).join()).toContain('did you mean retry?')
    expect((await problemsOf('servers: {a: {command: x}}\ntools: {"a/*_end": {retry: never}}')).join()).toContain(
      'tools.a/*_end: the name "a/*_end" is not allowed; use `server`, `server/name`, `server/start*` or `*`',
    )
    expect((await problemsOf('servers: {a: {command: x}}\ntools: {a/b: {retry: always}}')).join()).toContain('use reads, never')
  })
  it('of a server whose settings could not be read are names all the same', async () => {
    const text = 'servers: {a: {url: "${env:NOWHERE}"}}\ntools: {a/b: {retry: never}}\ntoolsets: {t: {include: [a/b]}}'
    expect((await loaded(text)).broken.map((each) => each.server)).toEqual(['a'])
  })
  it('are claimed bare by one server at most', async () => {
    const text = 'servers: {a: {command: x, bareNames: true}, b: {command: x, bareNames: true}}'
    expect((await problemsOf(text)).join()).toContain('servers.b.bareNames: the server a claims bare names already')
  })
})

describe('names that were written by hand', () => {
  it('are made fit with a warning, and toolsets that refer to them follow', async () => {
    const { settings, warnings } = await loaded(
      'servers:\n  my_server: {command: x}\n  GitHub: {command: y}\ntoolsets:\n  My Tools:\n    include: [my_server/read*, GitHub]\n    rename: {GitHub/a: b}\ntools:\n  GitHub/create_*: {idempotent: true}\n',
    )
    expect(Object.keys(settings.tools)).toEqual(['github/create_*'])
    expect(Object.keys(settings.servers)).toEqual(['my-server', 'github'])
    expect(settings.toolsets['my-tools']).toMatchObject({ include: ['my-server/read*', 'github'], rename: { 'github/a': 'b' } })
    expect(warnings.map((each) => formatProblem(each).replace(`${folder}/`, ''))).toEqual([
      'gw.yaml:2:3 servers.my_server: the name "my_server" becomes my-server here; names have 1 to 24 characters: a-z, 0-9, -',
      'gw.yaml:3:3 servers.GitHub: the name "GitHub" becomes github here; names have 1 to 24 characters: a-z, 0-9, -',
      'gw.yaml:5:3 toolsets.My Tools: the name "My Tools" becomes my-tools here; names have 1 to 24 characters: a-z, 0-9, -',
    ])
  })
  it('that become one are an error which names both', async () => {
    expect(await problemsOf('servers:\n  GitHub: {command: x}\n  github: {command: y}\n  git_hub: {command: z}\n')).toEqual([
      'gw.yaml:3:3 servers.github: the names "GitHub" and "github" are both github here; rename one of them',
    ])
    expect(await problemsOf('servers: {my_a: {command: x}}\ntoolsets: {my-a: {include: [my_a]}}')).toEqual([
      'gw.yaml:2:12 toolsets.my-a: the server my-a has the same name, and both would be /mcp/my-a; rename one of them',
    ])
  })
  it('are those of the file in every problem', async () => {
    expect((await problemsOf('servers:\n  My_One: {comand: x}\n')).join()).toContain(
      'gw.yaml:2:12 servers.My_One.comand: unknown key; did you mean command?',
    )
    const { broken } = await loaded('servers: {My_One: {command: x, args: ["${env:NONE}"]}}')
    expect(broken.map(({ server }) => server)).toEqual(['my-one'])
  })
})

describe('the admin door', () => {
  it('stands beside the front door unless the file says otherwise', async () => {
    const address = async (text: string) => (await loaded(`${text}\nservers: {a: {command: x}}`)).admin
    expect(await address('')).toEqual({ host: '127.0.0.1', port: 4281 })
    expect(await address('listen: 127.0.0.1:5000')).toEqual({ host: '127.0.0.1', port: 5001 })
    expect(await address('listen: 127.0.0.1:0')).toEqual({ host: '127.0.0.1', port: 0 })
    expect(await address('listen: 127.0.0.1:65535')).toEqual({ host: '127.0.0.1', port: 0 })
    expect(await address("admin: {listen: '127.0.0.1:9090'}")).toEqual({ host: '127.0.0.1', port: 9090 })
    expect(await address('admin: {listen: off}')).toBeUndefined()
    expect(await address('listen: unix:/run/signalbox.sock')).toEqual({ path: '/run/signalbox-admin.sock', mode: 0o660 })
    expect(await address('listen: unix:/run/gateway\nhttp: {socketMode: "0600"}')).toEqual({ path: '/run/gateway-admin', mode: 0o600 })
    expect(await address('admin: {listen: unix:/run/a.sock}')).toEqual({ path: '/run/a.sock', mode: 0o660 })
  })
  it('is for this machine alone, and not where the front door is', async () => {
    const found = async (listen: string) => (await problemsOf(`admin: {listen: '${listen}'}\nservers: {a: {command: x}}`)).join()
    expect(await found('0.0.0.0:4281')).toContain('admin.listen: 0.0.0.0 can be reached from other machines')
    expect(await found('127.0.0.1:4280')).toContain('admin.listen: contradiction')
    expect(await found('127.0.0.1:99999')).toContain('admin.listen: is no address')
    expect(await found('nowhere')).toContain('HOST:PORT')
  })
})

describe('keys without effect are warned about, harmful ones refused', () => {
  it('stdio keys on an HTTP server', async () => {
    const { warnings } = await loaded('servers: {a: {url: "https://x.example/mcp", args: [b]}}')
    expect(warnings.map(formatProblem).join()).toContain('servers.a.args: has no effect on an HTTP server')
  })
  it('headers of a single hop', async () => {
    const text = 'servers: {a: {url: "https://x.example/mcp", headers: {Mcp-Session-Id: x}, forwardHeaders: {host: x}}}'
    const found = (await problemsOf(text)).join('\n')
    expect(found).toContain('servers.a.headers.Mcp-Session-Id: is set by the gateway itself')
    expect(found).toContain('servers.a.forwardHeaders.host: "host" cannot be forwarded')
  })
  it('a header that would break the request apart', async () => {
    const text = 'servers: {a: {url: "https://x.example/mcp", headers: {A: "${env:T}"}}}'
    expect((await problemsOf(text, { env: { T: 'x\r\nInjected: 1' } })).join()).toContain('no header can carry')
  })
})

describe('the address', () => {
  it.each(['0.0.0.0:4280', '[::]:4280', 'example.com:80'])(
    '%s is refused in both profiles while nobody is asked who they are',
    async (address) => {
      for (const profile of ['dev', 'production']) {
        const text = `profile: ${profile}\nstateDir: s\nservers: {a: {command: x}}\nlisten: "${address}"\n`
        expect((await problemsOf(text)).join()).toContain('can be reached from other machines')
        expect((await problemsOf('servers: {}', { listen: address, profile })).join()).toContain('authentication is missing')
      }
    },
  )
  it('is read in all its forms', () => {
    expect(parseAddress('[::1]:0')).toEqual({ host: '::1', port: 0 })
    expect(parseAddress('unix:/run/a:b.sock')).toEqual({ path: '/run/a:b.sock', mode: 0o660 })
    expect(parseAddress('localhost:80')).toEqual({ host: 'localhost', port: 80 })
    for (const bad of ['127.0.0.1', ':80', 'a:99999', '[zz]:1', 'a:b:1']) expect(parseAddress(bad)).toBeUndefined()
  })
  it('and the profile of the command line win', async () => {
    const { settings, listen } = await loaded(
      "profile: dev\nlisten: 127.0.0.1:1\nstateDir: s\nservers: {a: {command: x}}\naccess: [{use: ['*']}]",
      {
        listen: '127.0.0.1:2',
        profile: 'production',
      },
    )
    expect([settings.profile, listen]).toEqual(['production', { host: '127.0.0.1', port: 2 }])
  })
})

describe('production', () => {
  it('needs a state folder and refuses what is for development', async () => {
    const found = await problemsOf('profile: production\nlog: {level: trace}\nservers: {a: {url: "http://x.example/mcp", headers: {A: b}}}')
    expect(found.map((line) => line.split(' ')[1])).toEqual(['stateDir:', 'access:', 'log.level:', 'servers.a.url:'])
  })
  it('does not run the built-in quickstart', async () => {
    const result = await load({ env: {}, cwd: folder, profile: 'production' })
    expect(result.ok).toBe(false)
  })
})

describe('sources', () => {
  it('without a file the quickstart is served, from installed packages', async () => {
    const empty = join(folder, 'empty')
    mkdirSync(empty)
    const result = await load({ env: {}, cwd: empty })
    if (!result.ok) throw new Error('refused')
    expect(result.loaded.kind).toBe('quickstart')
    expect(Object.keys(result.loaded.settings.servers)).toEqual(['everything', 'files', 'memory', 'harbour'])
    expect(result.loaded.settings.servers.everything?.command).toBe(process.execPath)
    expect(result.loaded.warnings).toEqual([])
  })
  it('./signalbox.yaml comes before it', async () => {
    const own = join(folder, 'own')
    mkdirSync(own)
    writeFileSync(join(own, 'signalbox.yaml'), 'servers: {mine: {command: node}}\n')
    const result = await load({ env: {}, cwd: own })
    expect(result.ok && Object.keys(result.loaded.settings.servers)).toEqual(['mine'])
    expect(result.ok && result.loaded.settings.servers.mine?.cwd).toBe(own)
  })
  it('two at once are refused', async () => {
    expect((await problemsOf('', { mcpJson: 'x' })).join()).toContain('cannot be combined')
  })
  it('a missing variable breaks its server alone, also where not even the settings could be read', async () => {
    const { settings, broken } = await loaded('servers: {good: {command: node}, bad: {url: "${env:URL}"}}')
    expect(Object.keys(settings.servers)).toEqual(['good', 'bad'])
    expect(broken).toHaveLength(1)
    expect(broken[0]).toMatchObject({ server: 'bad' })
    expect(broken[0]?.reason).toContain('the environment variable URL is not set')
  })
  it('a client file becomes settings, its problems stay located in it', async () => {
    const good = file('{"mcpServers": {"A": {"command": "node", "cwd": "sub"}, "B": {"url": "${URL}"}}}', 'mcp.json')
    const result = await load({ mcpJson: good, env: {}, cwd: folder })
    if (!result.ok) throw new Error('refused')
    expect(result.loaded.settings.servers.a).toMatchObject({ command: 'node', cwd: join(folder, 'sub') })
    expect(result.loaded.broken.map((each) => each.server)).toEqual(['b'])
  })
  it('an odd entry of a client file breaks itself alone, whichever reader finds it', async () => {
    const odd = file(
      `{"mcpServers": {"good": {"command": "node"}, "null": null,
 "scheme": {"url": "nope"},
 "port": {"url": "http://x:99999/mcp"},
 "header": {"url": "http://x/mcp", "headers": {"A": "\\u0000"}},
 "ours": {"url": "http://x/mcp", "headers": {"Mcp-Session-Id": "x"}}}}`,
      'odd.json',
    )
    const result = await load({ mcpJson: odd, env: {}, cwd: folder })
    if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'))
    const { settings, broken } = result.loaded
    expect(Object.keys(settings.servers).sort()).toEqual(['good', 'header', 'null', 'ours', 'port', 'scheme'])
    expect(broken.map(({ server, reason }) => `${server}: ${reason.replace(`${folder}/`, '')}`).sort()).toEqual([
      'header: its value has characters that no header can carry (odd.json:4); remove line breaks and other control characters',
      'null: expected a mapping, got nothing (odd.json:1); give `command` or `url`',
      'ours: is set by the gateway itself (odd.json:5); remove it',
      'port: is no address (url, odd.json:3); write it in full, for example https://host/mcp',
      'scheme: the address has no scheme (url, odd.json:2); write http://nope',
    ])
  })
  it('an entry that is switched off is not served, whatever is wrong with it', async () => {
    const path = file('{"mcpServers": {"a": {"command": "node"}, "b": {"disabled": true, "url": 7}}}', 'off.json')
    const result = await load({ mcpJson: path, env: {}, cwd: folder })
    expect(result.ok && [result.loaded.broken, result.loaded.warnings, result.loaded.settings.servers.b?.enabled]).toEqual([[], [], false])
  })
  it('the workspace of a file below .vscode is the folder above it', async () => {
    mkdirSync(join(folder, '.vscode'))
    const path = file('{"servers": {"a": {"command": "${workspaceFolder}/x"}}}', '.vscode/mcp.json')
    const result = await load({ mcpJson: path, env: {}, cwd: '/' })
    expect(result.ok && result.loaded.settings.servers.a?.command).toBe(`${folder}/x`)
  })
  it('the kind of a file is found out', () => {
    expect(kindOf(file('servers: {}', 'a.yaml'))).toBe('yaml')
    expect(kindOf(file('{"mcpServers": {}}', 'b.json'))).toBe('mcp-json')
    expect(kindOf(file('{"servers": {}}', 'c.json'))).toBe('mcp-json')
    expect(kindOf(file('{"context_servers": {}}', 'e.json'))).toBe('mcp-json')
    expect(kindOf(file('[mcp_servers.a]\ncommand = "x"', 'f.toml'))).toBe('mcp-json')
    expect(kindOf(file('{"a": {"command": "x"}}', 'g.json'))).toBe('mcp-json')
    expect(kindOf(file('[{"name": "a", "url": "http://a/mcp"}]', 'h.json'))).toBe('mcp-json')
    expect(kindOf(file('{"listen": "127.0.0.1:1", "servers": {}}', 'd.json'))).toBe('yaml')
    // Below a server a key is the client's, whatever it is called; comments and trailing commas are of editors.
    expect(kindOf(file('{\n  // mine\n  "servers": {"a": {"command": "x", "tools": ["*"],}},\n}', 'e.json'))).toBe('mcp-json')
    expect(kindOf(file('servers: {"servers": {command: x}}\ntools: {}', 'f.json'))).toBe('yaml')
  })
})

describe('a variable that should name a proxy', () => {
  const env = { HTTPS_PROXY: 'socks5://user:p4ssword@proxy.example:1080', HTTP_PROXY: 'http://user:s3cret-word@proxy.example:3128' }

  it('is a problem by its name where a server would be reached through what it does not name', async () => {
    expect(await problemsOf('servers: {a: {url: "https://a.example/mcp"}, b: {url: "https://b.example/mcp"}}', { env })).toEqual([
      'HTTPS_PROXY: names a proxy that is spoken to neither by http nor by https; write http://HOST:PORT, or unset it',
    ])
    expect(await problemsOf('servers: {a: {endpoints: ["http://a.example/mcp", "https://b.example/mcp"]}}', { env })).toHaveLength(1)
  })

  it.each([
    'servers: {a: {url: "http://a.example/mcp"}}',
    'servers: {a: {url: "https://127.0.0.1/mcp"}}',
    'servers: {a: {url: "https://a.example/mcp", enabled: false}}',
    'servers: {a: {command: x}}',
  ])('is none where no server is: %s', async (text) => {
    expect(await problemsOf(text, { env })).toEqual([])
  })

  it('is a problem of the file of a client too', async () => {
    const path = file('{"mcpServers": {"a": {"url": "https://a.example/mcp"}}}', 'mcp.json')
    const result = await load({ mcpJson: path, env, cwd: folder })
    expect(result.ok ? [] : result.problems.map((each) => each.file)).toEqual(['HTTPS_PROXY'])
  })

  it('gives its credential to what is redacted', async () => {
    const { secrets, proxies } = await loaded('servers: {a: {url: "http://a.example/mcp"}}', { env })
    expect(secrets).toContain('s3cret-word')
    expect(proxies.find('http://a.example/mcp')?.label).toBe('proxy.example:3128 (HTTP_PROXY)')
  })
})
