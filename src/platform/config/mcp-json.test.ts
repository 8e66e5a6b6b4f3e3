import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join, sep } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { importClientText } from './mcp-json.ts'
import { normaliseNames } from './mcp-json-names.ts'
import type { ImportOptions } from './mcp-json-servers.ts'
import { formatProblem } from './problem.ts'

const options: ImportOptions = { env: {}, workspaceFolder: '/ws', ask: undefined }

async function imported(text: string, change: Partial<ImportOptions> = {}) {
  const result = await importClientText('mcp.json', text, { ...options, ...change })
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'))
  return result
}

async function problemsOf(text: string): Promise<string[]> {
  const result = await importClientText('mcp.json', text, options)
  if (result.ok) throw new Error('expected problems')
  return result.problems.map(formatProblem)
}

const claudeDesktop = `{
  "globalShortcut": "Ctrl+Space",
  "mcpServers": {
    "filesystem": {
      "command": "npx",
      "args": ["-y", "@modelcontextprotocol/server-filesystem", "/Users/me/Desktop"]
    },
    "github": {
      "command": "docker",
      "args": ["run", "-i", "--rm", "-e", "GITHUB_PERSONAL_ACCESS_TOKEN", "ghcr.io/github/github-mcp-server"],
      "env": { "GITHUB_PERSONAL_ACCESS_TOKEN": "ghp_x" }
    }
  }
}`

const claudeCode = `{
  "mcpServers": {
    "api-server": {
      "type": "http",
      "url": "\${API_BASE_URL:-https://api.example.com}/mcp",
      "headers": { "Authorization": "Bearer \${API_KEY}" },
      "oauth": { "clientId": "x" }
    },
    "legacy": { "type": "sse", "url": "https://mcp.example.com/sse" },
    "db": { "type": "stdio", "command": "npx", "args": ["db", "--dsn", "\${DSN}"], "env": {} }
  }
}`

const cursor = `{
  // Cursor reads comments
  "mcpServers": {
    "Local Server": {
      "command": "python",
      "args": ["\${workspaceFolder}/server.py", "\${userHome}\${/}data",],
      "env": { "API_KEY": "\${env:API_KEY}", "NAME": "\${workspaceFolderBasename}" },
      "envFile": "\${workspaceFolder}/.env",
    },
    "remote": { "url": "http://localhost:3000/mcp", "headers": { "X": "y" } },
  },
}`

const vscode = `{
  "inputs": [
    { "type": "promptString", "id": "perplexity-key", "description": "Perplexity API Key", "password": true },
    { "type": "pickString", "id": "region", "description": "Region", "options": ["eu", "us"], "default": "eu" }
  ],
  "servers": {
    "perplexity": {
      "type": "stdio",
      "command": "npx",
      "args": ["-y", "server-perplexity-ask", "--region", "\${input:region}"],
      "env": { "PERPLEXITY_API_KEY": "\${input:perplexity-key}" }
    },
    "fetch": { "type": "http", "url": "https://api.githubcopilot.com/mcp/" },
    "off": { "command": "node", "args": [], "disabled": true },
    "devving": { "command": "node", "dev": { "watch": "src/**" } }
  }
}`

describe('files of the clients', () => {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'signalbox-import-'))
    writeFileSync(join(folder, '.env'), '# comment\nTOKEN="from env file"\nAPI_KEY=loses\n')
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it('of Claude Desktop are read', async () => {
    const { servers, warnings, broken } = await imported(claudeDesktop)
    expect(warnings).toEqual([])
    expect(broken).toEqual([])
    expect(servers.filesystem).toEqual({
      command: 'npx',
      args: ['-y', '@modelcontextprotocol/server-filesystem', '/Users/me/Desktop'],
      env: {},
      cwd: '/ws',
    })
    expect(servers.github?.env).toEqual({ GITHUB_PERSONAL_ACCESS_TOKEN: 'ghp_x' })
  })

  it('of Claude Code are read, with ${VAR} and ${VAR:-default}', async () => {
    const { servers, warnings, broken, secrets } = await imported(claudeCode, { env: { API_KEY: 'k-123' } })
    expect(servers['api-server']).toEqual({
      url: 'https://api.example.com/mcp',
      headers: { Authorization: 'Bearer k-123' },
      transport: 'auto',
    })
    expect(servers.legacy?.transport).toBe('sse')
    expect(secrets).toEqual(['k-123'])
    expect(warnings.map(formatProblem)).toEqual([
      'mcp.json:7:7 mcpServers.api-server.oauth: is not honoured; the gateway does not log in to servers yet; give a token in `headers`',
    ])
    expect(broken.map((each) => [each.name, each.reason])).toEqual([
      ['db', 'the environment variable DSN is not set (args.2, mcp.json:10); set DSN before the start'],
    ])
  })

  it('of Cursor are read, with comments, trailing commas, its variables and envFile', async () => {
    const { servers, warnings } = await imported(cursor, { env: { API_KEY: 'wins' }, workspaceFolder: folder })
    expect(servers['local-server']).toEqual({
      command: 'python',
      args: [`${folder}/server.py`, `${homedir()}${sep}data`],
      env: { TOKEN: 'from env file', API_KEY: 'wins', NAME: folder.split(sep).at(-1) },
      cwd: folder,
    })
    expect(servers.remote).toEqual({ url: 'http://localhost:3000/mcp', headers: { X: 'y' }, transport: 'auto' })
    expect(warnings.map(formatProblem)[0]).toContain('"Local Server" becomes local-server here')
  })

  it('of VS Code are read, with inputs from the environment and defaults', async () => {
    const { servers, warnings, secrets } = await imported(vscode, { env: { SIGNALBOX_INPUT_PERPLEXITY_KEY: 'pk-1' } })
    expect(servers.perplexity?.env).toEqual({ PERPLEXITY_API_KEY: 'pk-1' })
    expect(servers.perplexity?.args?.at(-1)).toBe('eu')
    expect(servers.off?.enabled).toBe(false)
    expect(servers.fetch?.url).toBe('https://api.githubcopilot.com/mcp/')
    expect(secrets).toEqual(['pk-1'])
    expect(warnings.map((each) => each.key)).toEqual(['servers.devving.dev'])
  })

  it('of VS Code settings are found under mcp', async () => {
    const { servers } = await imported('{"editor.fontSize": 12, "mcp": {"servers": {"a": {"command": "x"}}}}')
    expect(Object.keys(servers)).toEqual(['a'])
  })
})

describe('an input', () => {
  it('without a terminal names the variable to set, and only its own server is broken', async () => {
    const { broken, servers } = await imported(vscode)
    expect(broken.map((each) => each.name)).toEqual(['perplexity'])
    expect(broken[0]?.reason).toContain('set the environment variable SIGNALBOX_INPUT_PERPLEXITY_KEY')
    expect(Object.keys(servers)).toContain('fetch')
  })

  it('is asked for once, and only if an enabled server needs it', async () => {
    const asked: string[] = []
    const ask: ImportOptions['ask'] = async (input) => {
      asked.push(`${input.id}:${input.password}`)
      return 'answer'
    }
    const text = `{"inputs":[{"type":"promptString","id":"a","password":true},{"type":"promptString","id":"b"},{"type":"promptString","id":"c"}],
      "servers":{"x":{"command":"\${input:a}","args":["\${input:a}"]},"y":{"command":"\${input:b}","disabled":true}}}`
    const { servers, secrets } = await imported(text, { ask })
    expect(asked).toEqual(['a:true'])
    expect(servers.x).toMatchObject({ command: 'answer', args: ['answer'] })
    expect(secrets).toEqual(['answer'])
  })
})

describe('what is wrong is located', () => {
  const cases: [string, string, RegExp][] = [
    ['broken JSON', '{\n  "mcpServers": {\n    "a": {"command" "x"}\n  }\n}', /^mcp\.json:3:21: is not valid JSON from here on/],
    ['a file that ends early', '{"mcpServers": {', /^mcp\.json:1:17: the file ends too early/],
    ['no servers at all', '{"mcpServer": {}}', /holds no MCP servers; did you mean mcpServers/],
  ]
  it.each(cases)('%s', async (_, text, expected) => {
    expect((await problemsOf(text)).join('\n')).toMatch(expected)
  })

  it('an envFile that is not there breaks its own server alone', async () => {
    const { broken } = await imported('{"servers": {"a": {"command": "x", "envFile": ".env.none"}, "b": {"command": "y"}}}')
    expect(broken.map((each) => each.reason)).toEqual([
      'the envFile /ws/.env.none does not exist (envFile, mcp.json:1); create it, or remove the key',
    ])
  })

  it('variables that nobody knows break their server and are named', async () => {
    const { broken } = await imported('{"servers": {"a": {"command": "${config:x.y}"}}}')
    expect(broken[0]?.reason).toContain('${config:x.y} is no variable that is known here')
  })
})

describe('names', () => {
  it('are the same for the same file, whatever the order, and never clash', () => {
    const originals = ['GitHub', 'git_hub', 'git-hub', 'a-name-that-is-far-too-long-for-us', 'Über', '日本', 'github']
    const names = normaliseNames(originals)
    expect(names.get('github')).toBe('github')
    expect(names.get('git-hub')).toBe('git-hub')
    expect(new Set(names.values()).size).toBe(originals.length)
    for (const name of names.values()) expect(name).toMatch(/^[a-z0-9-]{1,24}$/)
    expect([...normaliseNames([...originals].reverse())].sort()).toEqual([...names].sort())
  })
})
