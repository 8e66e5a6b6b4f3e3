// The files of clients, as their own documentation shows them.
import { describe, expect, it } from 'vitest'
import { importClientText } from './mcp-json.ts'
import { formatProblem } from './problem.ts'

const env = { CONTEXT7: 'c7-key', MY_API_TOKEN: 'gem-token', FIGMA_OAUTH_TOKEN: 'figma-token', HOME_DIR: '/home/me' }

async function imported(text: string, file = 'mcp.json') {
  const result = await importClientText(file, text, { env, workspaceFolder: '/ws', ask: undefined })
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'))
  const lost = result.warnings.map((each) => each.key)
  return { ...result, lost }
}

async function refused(text: string, file = 'mcp.json'): Promise<string> {
  const result = await importClientText(file, text, { env, workspaceFolder: '/ws', ask: undefined })
  return result.ok ? 'taken' : result.problems.map(formatProblem).join('\n')
}

const stdio = { args: [] as string[], env: {}, cwd: '/ws' }

describe('the file of opencode', () => {
  const text = `{
    "$schema": "https://opencode.ai/config.json",
    "theme": "dark",
    "mcp": {
      "everything": {
        "type": "local",
        "command": ["npx", "-y", "@modelcontextprotocol/server-everything"],
        "environment": { "KEY": "{env:CONTEXT7}", "SHELL_VAR": "\${HOME}", "PORT": 8080 },
        "enabled": true,
        "timeout": 5000,
      },
      "context7": {
        "type": "remote",
        "url": "https://mcp.context7.com/mcp",
        "headers": { "CONTEXT7_API_KEY": "{env:CONTEXT7}" },
        "oauth": false,
      },
      "off": { "type": "local", "command": ["x"], "enabled": false },
      "jira": { "enabled": true },
    },
  }`

  it('is taken, with its variables, and what is left to opencode is named', async () => {
    const { servers, broken, lost, secrets } = await imported(text, 'opencode.jsonc')
    expect(servers.everything).toEqual({
      ...stdio,
      command: 'npx',
      args: ['-y', '@modelcontextprotocol/server-everything'],
      env: { KEY: 'c7-key', SHELL_VAR: '${HOME}', PORT: '8080' },
    })
    expect(servers.context7).toEqual({ url: 'https://mcp.context7.com/mcp', headers: { CONTEXT7_API_KEY: 'c7-key' }, transport: 'auto' })
    expect(servers.off?.enabled).toBe(false)
    expect(broken.map((each) => [each.name, each.problem.line])).toEqual([['jira', 19]])
    expect(lost).toEqual(['mcp.everything.timeout'])
    expect(secrets).toEqual(['c7-key'])
  })

  it('of its second form is taken, under mcp.servers', async () => {
    const { servers } = await imported(
      '{"mcp": {"servers": {"a": {"type": "local", "command": ["npx", "x"], "cwd": "sub"}, "b": {"type": "local", "command": ["y"], "disabled": true}}}}',
    )
    expect(servers.a).toMatchObject({ command: 'npx', args: ['x'], cwd: '/ws/sub' })
    expect(servers.b?.enabled).toBe(false)
  })
})

describe('the settings of Zed', () => {
  it('are taken in their older and newer forms', async () => {
    const { servers, broken, lost } = await imported(`{
      // settings.json
      "theme": "One Dark",
      "context_servers": {
        "custom": { "source": "custom", "command": "some-command", "args": ["arg-1", "\${literal}"], "env": {} },
        "older": { "command": { "path": "uvx", "args": ["x"], "env": { "A": "b" } }, "settings": {} },
        "remote": { "url": "https://example.com/mcp", "headers": { "Authorization": "Bearer t" } },
        "github": { "source": "extension", "enabled": true, "settings": { "token": "x" } },
        "off": { "enabled": false, "source": "extension", "settings": {} },
      },
    }`)
    expect(servers.custom).toEqual({ ...stdio, command: 'some-command', args: ['arg-1', '${literal}'] })
    expect(servers.older).toEqual({ ...stdio, command: 'uvx', args: ['x'], env: { A: 'b' } })
    expect(servers.remote).toEqual({ url: 'https://example.com/mcp', headers: { Authorization: 'Bearer t' }, transport: 'auto' })
    expect(broken.map((each) => [each.name, each.reason.split(' (')[0]])).toEqual([
      ['github', 'is started by an extension of the editor, so that only the editor knows how'],
    ])
    expect(servers.off?.enabled).toBe(false)
    expect(lost).toEqual(['context_servers.github.settings'])
  })
})

describe('the file of Copilot CLI', () => {
  it('is taken, and the choice of tools is named', async () => {
    const { servers, lost } = await imported(
      `{"mcpServers": {
        "playwright": {"type": "local", "command": "npx", "args": ["@playwright/mcp@latest"], "env": {"A": "$MY_API_TOKEN"}, "tools": ["*"]},
        "some": {"type": "http", "url": "https://mcp.context7.com/mcp", "headers": {}, "tools": ["resolve"]}}}`,
      '/home/me/.copilot/mcp-config.json',
    )
    expect(servers.playwright).toMatchObject({ command: 'npx', env: { A: 'gem-token' } })
    expect(servers.some?.url).toBe('https://mcp.context7.com/mcp')
    expect(lost).toEqual(['mcpServers.some.tools'])
  })
})

describe('the file of Windsurf', () => {
  it('is taken, with serverUrl', async () => {
    const { servers, lost } = await imported(`{"mcpServers": {
      "remote-http-mcp": {"serverUrl": "https://api.example.com/mcp", "headers": {"API_KEY": "Bearer \${env:CONTEXT7}"}, "disabledTools": ["x"]}}}`)
    expect(servers['remote-http-mcp']).toEqual({
      url: 'https://api.example.com/mcp',
      headers: { API_KEY: 'Bearer c7-key' },
      transport: 'auto',
    })
    expect(lost).toEqual(['mcpServers.remote-http-mcp.disabledTools'])
  })
})

describe('the settings of Gemini CLI', () => {
  it('are taken: httpUrl, url, $NAME, and what mcp switches off', async () => {
    const { servers, lost, broken } = await imported(`{
      "selectedAuthType": "gemini-api-key",
      "mcp": { "excluded": ["experimental"] },
      "mcpServers": {
        "pythonTools": { "command": "python", "args": ["-m", "s"], "env": { "API_KEY": "$MY_API_TOKEN", "PRICE": "$9", "PASS": "pa$word" }, "cwd": "./srv", "timeout": 15000, "trust": true },
        "http": { "httpUrl": "http://localhost:3000/mcp", "url": "http://localhost:3000/sse", "headers": { "X": "\${MY_API_TOKEN}" }, "trust": false, "includeTools": ["a"] },
        "sse": { "url": "http://localhost:8080/sse", "excludeTools": ["b"] },
        "experimental": { "command": 7, "args": "x" }
      }
    }`)
    expect(broken).toEqual([])
    expect(servers.pythontools).toEqual({
      ...stdio,
      command: 'python',
      args: ['-m', 's'],
      env: { API_KEY: 'gem-token', PRICE: '$9', PASS: 'pa$word' },
      cwd: '/ws/srv',
    })
    expect(servers.http).toEqual({ url: 'http://localhost:3000/mcp', headers: { X: 'gem-token' }, transport: 'auto' })
    expect(servers.sse).toEqual({ url: 'http://localhost:8080/sse', headers: {}, transport: 'auto' })
    expect(servers.experimental?.enabled).toBe(false)
    expect(lost).toEqual([
      'mcpServers.pythonTools',
      'mcpServers.pythonTools.timeout',
      'mcpServers.pythonTools.trust',
      'mcpServers.http.includeTools',
      'mcpServers.sse.excludeTools',
    ])
  })
})

describe('the file of Codex', () => {
  const text = `model = "gpt-5"

[mcp_servers.context7]
command = "npx"
args = ["-y", "@upstash/context7-mcp", "\${literal}", 8080]
env_vars = ["HOME_DIR", "NOT_SET"]
startup_timeout_sec = 20

[mcp_servers.context7.env]
MY_ENV_VAR = "MY_ENV_VALUE"

[mcp_servers.figma]
url = "https://mcp.figma.com/mcp"
bearer_token_env_var = "FIGMA_OAUTH_TOKEN"
http_headers = { "X-Figma-Region" = "us-east-1" }
env_http_headers = { "X-Key" = "CONTEXT7", "X-None" = "NOT_SET" }
enabled_tools = ["open"]

[mcp_servers.off]
enabled = false
command = 7

[mcp_servers.odd]
command = "x"
args = "one two"

[mcp_servers.lost]
url = "https://mcp.example.com/mcp"
bearer_token_env_var = "NOT_SET"
`
  it('is taken: variables by their names, and everything else as it is written', async () => {
    const { servers, broken, warnings, secrets } = await imported(text, '/home/me/.codex/config.toml')
    expect(servers.context7).toEqual({
      ...stdio,
      command: 'npx',
      args: ['-y', '@upstash/context7-mcp', '${literal}', '8080'],
      env: { HOME_DIR: '/home/me', MY_ENV_VAR: 'MY_ENV_VALUE' },
    })
    expect(servers.figma).toEqual({
      url: 'https://mcp.figma.com/mcp',
      headers: { 'X-Key': 'c7-key', 'X-Figma-Region': 'us-east-1', Authorization: 'Bearer figma-token' },
      transport: 'auto',
    })
    expect(secrets).toEqual(['c7-key', 'figma-token'])
    expect(servers.off?.enabled).toBe(false)
    expect(broken.map((each) => formatProblem(each.problem))).toEqual([
      '/home/me/.codex/config.toml:25:8 mcp_servers.odd.args: expected a list, got text; write ["one", "two"]; there is no shell that would split it',
      '/home/me/.codex/config.toml:29:24 mcp_servers.lost.bearer_token_env_var: the environment variable NOT_SET is not set; set NOT_SET before the start',
    ])
    expect(warnings.map((each) => [each.line, each.column, each.key])).toEqual([
      [7, 1, 'mcp_servers.context7.startup_timeout_sec'],
      [16, 20, 'mcp_servers.figma.env_http_headers.X-None'],
      [17, 1, 'mcp_servers.figma.enabled_tools'],
    ])
  })

  it('that is broken is refused at its place', async () => {
    expect(await refused('model = "x"\n[mcp_servers.a\ncommand = "x"\n', 'config.toml')).toMatch(/^config\.toml:2:\d+: is not valid TOML/)
    expect(await refused('model = "x"\n', 'config.toml')).toContain('holds no MCP servers')
  })
})

describe('files in YAML', () => {
  it('of Continue are taken: a list of servers with names', async () => {
    const { servers, lost } = await imported(
      'name: mine\nversion: 1.0.0\nmcpServers:\n  - name: Browser\n    command: npx\n    args: ["@playwright/mcp", 1.10]\n  - name: remote\n    type: streamable-http\n    url: https://example.com/mcp\n    requestOptions: {headers: {A: b}}\n    apiKey: x\n',
      'config.yaml',
    )
    expect(servers.browser).toMatchObject({ command: 'npx', args: ['@playwright/mcp', '1.10'] })
    expect(servers.remote).toEqual({ url: 'https://example.com/mcp', headers: { A: 'b' }, transport: 'streamable-http' })
    expect(lost).toEqual(['mcpServers.0', 'mcpServers.1.apiKey'])
  })

  it('of goose are taken: extensions with cmd, envs and uri', async () => {
    const { servers, broken } = await imported(
      'GOOSE_MODEL: x\nextensions:\n  developer: {type: builtin, enabled: true, bundled: true}\n  github: {type: stdio, cmd: npx, args: [-y, gh], envs: {A: b}, enabled: true}\n  web: {type: streamable_http, uri: "https://example.com/mcp"}\n  off: {type: builtin, enabled: false}\n',
      'config.yaml',
    )
    expect(servers.github).toMatchObject({ command: 'npx', args: ['-y', 'gh'], env: { A: 'b' } })
    expect(servers.web).toEqual({ url: 'https://example.com/mcp', headers: {}, transport: 'streamable-http' })
    expect(broken.map((each) => [each.name, each.reason.split(' (')[0]])).toEqual([['developer', 'is built into its client']])
  })
})

describe('servers without a word around them', () => {
  it('are taken from a bare map, odd neighbours alone', async () => {
    const { servers, broken } = await imported('{"a": {"command": "x"}, "b": {"url": "http://a/mcp"}, "c": null, "d": "text", "e": {}}')
    expect(Object.keys(servers)).toEqual(['a', 'b'])
    expect(broken.map((each) => each.name)).toEqual(['c', 'd', 'e'])
  })

  it('are taken from a bare list, by name or by place', async () => {
    const { servers, broken, warnings } = await imported(
      '[{"name": "Mine", "command": "x"}, {"url": "http://a/mcp"}, {"name": "Mine", "command": "y"}, 7]',
    )
    expect(Object.entries(servers).map(([name, { command, url }]) => [name, command ?? url])).toEqual([
      ['mine', 'x'],
      ['server-2', 'http://a/mcp'],
      ['mine-3', 'y'],
    ])
    expect(broken.map((each) => each.name)).toEqual(['server-4'])
    expect(warnings.map(formatProblem)).toContain('mcp.json:1:36 1: has no name; it is server-2 here; give it a `name`')
  })

  it('where two places list some, the other one is named', async () => {
    const { servers, warnings } = await imported(
      '{"mcpServers": {}, "context_servers": {"a": {"command": "x"}}, "servers": {"b": {"command": "y"}}}',
    )
    expect(Object.keys(servers)).toEqual(['a'])
    expect(warnings.map((each) => `${each.key}: ${each.what}`)).toEqual(['servers: is not read'])
  })
})

describe('a file without servers is named for what it is', () => {
  const cases: [string, string, RegExp][] = [
    ['one server', '{"command": "npx", "args": []}', /is one server without a name; write \{"mcpServers"/],
    ['a misspelt key', '{"mcpServer": {}}', /holds no MCP servers; did you mean mcpServers in place of mcpServer\?/],
    ['a key without a mapping', '{"mcpServers": null}', /holds no MCP servers: `mcpServers` is no mapping/],
    ['the registry', '{"name": "io.x/y", "remotes": [{"type": "sse", "url": "https://x"}]}', /describes one server for the MCP registry/],
    [
      'a desktop extension',
      '{"manifest_version": "0.2", "server": {"type": "node", "mcp_config": {}}}',
      /is the manifest of a desktop extension/,
    ],
    [
      'projects alone',
      '{"projects": {"/w": {"mcpServers": {"a": {"command": "x"}}}}}',
      /but those of its projects; put what stands under projects\.\/w\.mcpServers/,
    ],
    ['something else', '{"editor.fontSize": 12}', /holds no MCP servers; the file needs/],
    ['text', '"hello"', /holds no MCP servers/],
  ]
  it.each(cases)('%s', async (_, text, expected) => expect(await refused(text)).toMatch(expected))
})
