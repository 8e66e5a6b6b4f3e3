import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { interrupted } from '../../../test/peers/processes.ts'
import { packageRoot } from '../package-root.ts'

const main = join(packageRoot, 'dist', 'main.js')
const harbour = JSON.stringify(join(packageRoot, 'examples', 'modern-server', 'server.mjs'))
const good = `  harbour:\n    command: node\n    args: [${harbour}]\n`
const running = new Set<ChildProcess>()
let folder = ''

beforeAll(() => {
  execFileSync(process.execPath, [join(packageRoot, 'scripts', 'prepare.mjs'), '--lenient'], { stdio: 'ignore' })
  folder = mkdtempSync(join(tmpdir(), 'signalbox-cli-'))
}, 60_000)

afterAll(async () => {
  for (const child of running) {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  rmSync(folder, { recursive: true })
})

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

interface Run {
  readonly child: ChildProcess
  stdout: string
  stderr: string
  readonly exit: Promise<number | null>
}

function start(args: readonly string[], env: Record<string, string> = {}, cwd = folder): Run {
  const child = spawn(process.execPath, [main, ...args], { cwd, env: { ...process.env, ...env } })
  running.add(child)
  const run: Run = {
    child,
    stdout: '',
    stderr: '',
    exit: once(child, 'close').then(([code]) => {
      running.delete(child)
      return code as number | null
    }),
  }
  child.stdout?.on('data', (chunk) => {
    run.stdout += chunk
  })
  child.stderr?.on('data', (chunk) => {
    run.stderr += chunk
  })
  return run
}

async function finished(args: readonly string[], env: Record<string, string> = {}): Promise<Run & { code: number | null }> {
  const run = start(args, env)
  const code = await run.exit
  return Object.assign(run, { code })
}

/** Resolves when standard output or error holds the text. */
async function until(run: Run, where: 'stdout' | 'stderr', text: string): Promise<void> {
  if (run[where].includes(text)) return
  await new Promise<void>((resolve, reject) => {
    run.child[where]?.on('data', () => run[where].includes(text) && resolve())
    void run.exit.then((code) => reject(new Error(`ended with ${code} before ${JSON.stringify(text)}:\n${run.stderr}`)))
  })
}

async function serve(config: string): Promise<Run & { url: string }> {
  const run = start(['up', '--config', file(`${Math.floor(performance.now() * 1000)}.yaml`, config), '--listen', '127.0.0.1:0'])
  await until(run, 'stderr', 'Ctrl-C stops')
  return Object.assign(run, { url: (JSON.parse(run.stdout) as { listening: string }).listening })
}

describe('signalbox up', () => {
  it('prints one JSON line for programs and a table with how to connect for people, and drains on SIGTERM', async () => {
    const run = await serve(`servers:\n${good}`)
    expect(run.stdout.trimEnd().split('\n')).toHaveLength(1)
    expect(JSON.parse(run.stdout)).toEqual({
      admin: expect.stringMatching(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/),
      listening: expect.stringMatching(/^http:\/\/127\.0\.0\.1:[1-9]\d*\/mcp$/),
      host: '127.0.0.1',
      port: expect.any(Number),
      servers: ['harbour'],
    })
    expect(run.stderr).toMatch(/server +transport +revision +state +tools/)
    expect(run.stderr).toMatch(/harbour +stdio +2026-07-28 +ready +4/)
    expect(run.stderr).toContain(`claude mcp add --transport http signalbox ${run.url}`)
    expect(run.stderr).not.toMatch(/warn/i)
    run.child.kill('SIGTERM')
    expect(await run.exit).toBe(0)
  })

  it('goes on, and ends in order, where whoever started it no longer reads', async () => {
    const run = await serve(`servers:\n${good}`)
    run.child.stdout?.destroy()
    const called = await finished(['call', 'harbour__next-ticket', '--url', run.url])
    expect(called.stdout).toMatch(/^Ticket \d+/)
    run.child.kill('SIGTERM')
    expect(await run.exit).toBe(0)
    expect(run.stderr).not.toContain('EPIPE')
  })

  it('serves the good server and names those that cannot work, each with its reason', async () => {
    const config = `servers:\n${good}  absent: {command: no-such-program}\n  tokenless: {command: node, env: {T: "\${env:SIGNALBOX_TEST_UNSET}"}}\n  dies: {command: node, args: [-e, "console.error('boom'); process.exit(3)"]}\n`
    const run = await serve(config)
    expect(run.stderr).toMatch(/harbour +stdio +2026-07-28 +ready/)
    expect(run.stderr).toMatch(/ {2}absent: .*no-such-program/)
    expect(run.stderr).toMatch(/ {2}tokenless: the environment variable SIGNALBOX_TEST_UNSET is not set/)
    expect(run.stderr).toMatch(/ {2}dies: .*(boom|3)/)
    run.child.kill('SIGINT')
    expect(await run.exit).toBe(0)
  })

  it('says that a port is in use, quickly, with exit code 3', async () => {
    const taken: Server = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as { port: number }
    const run = await finished([
      'up',
      '--config',
      file('taken.yaml', `admin: {listen: 127.0.0.1:0}\nservers:\n${good}`),
      '--listen',
      `127.0.0.1:${port}`,
    ])
    taken.close()
    expect(run.code).toBe(3)
    expect(run.stdout).toBe('')
    expect(run.stderr).toContain(`127.0.0.1:${port} is in use by another program`)
    expect(run.stderr).not.toMatch(/\n {4}at /)
  })

  it('says so of the port of the admin door, by its key', async () => {
    const taken: Server = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as { port: number }
    const config = file('taken-admin.yaml', `listen: 127.0.0.1:0\nadmin: {listen: '127.0.0.1:${port}'}\nservers:\n${good}`)
    const run = await finished(['up', '--config', config])
    taken.close()
    expect([run.code, run.stdout]).toEqual([3, ''])
    expect(run.stderr).toContain(`127.0.0.1:${port} is in use by another program`)
    expect(run.stderr).toContain('admin.listen')
  })

  it('lists the clients at the admin door, which `up` names, and sends whoever asks in front there', async () => {
    const { url, stdout } = await serve(`servers:\n${good}`)
    const { admin } = JSON.parse(stdout) as { admin: string }
    expect((await finished(['ls', '--url', url])).code).toBe(0)
    const listed = await finished(['clients', '--url', admin, '--json'])
    expect(JSON.parse(listed.stdout)).toMatchObject({ clients: [{ name: 'signalbox-cli' }] })
    const astray = await finished(['clients', '--url', url])
    expect(astray.code).toBe(1)
    expect(astray.stderr).toContain('admin.listen')
  })

  it('tells all problems of a configuration, located, with exit code 10', async () => {
    const run = await finished(['up', '--config', file('bad.yaml', 'profil: dev\nservers:\n  a: {comand: x}\n')])
    expect(run.code).toBe(10)
    expect(run.stdout).toBe('')
    expect(run.stderr).toContain('bad.yaml:1:1 profil: unknown key; did you mean profile?')
    expect(run.stderr).toContain('bad.yaml:3:7 servers.a.comand: unknown key; did you mean command?')
  })

  it.each([
    ['an address that others can reach', ['up', '--listen', '0.0.0.0:0'], 10],
    ['an unknown option', ['up', '--confg', 'x'], 2],
    ['an unknown command', ['upp'], 2],
    ['a file that is not there', ['up', '--config', 'none.yaml'], 10],
    ['an unknown profile', ['up', '--profile', 'prod'], 10],
  ])('refuses %s', async (_, args, code) => {
    expect((await finished(args)).code).toBe(code)
  })

  it('keeps its state in .signalbox below the start, not where it is told `off`, and serves where it cannot', async () => {
    const place = mkdtempSync(join(tmpdir(), 'signalbox-cli-state-'))
    const served = async (name: string, text: string): Promise<string> => {
      writeFileSync(join(place, name), `listen: 127.0.0.1:0\nadmin:\n  listen: 127.0.0.1:0\n${text}servers:\n${good}`)
      const run = start(['up', '--config', join(place, name)], {}, place)
      await until(run, 'stderr', 'Ctrl-C stops')
      run.child.kill('SIGTERM')
      expect(await run.exit).toBe(0)
      return run.stderr
    }
    await served('off.yaml', 'stateDir: off\n')
    expect(existsSync(join(place, '.signalbox'))).toBe(false)
    await served('on.yaml', '')
    expect(readdirSync(join(place, '.signalbox'))).toEqual(expect.arrayContaining(['seal.key', 'signalbox.db']))
    rmSync(join(place, '.signalbox'), { recursive: true })
    writeFileSync(join(place, '.signalbox'), 'a file')
    expect(await served('on.yaml', '')).toContain('.signalbox cannot be used (EEXIST): sessions and catalogues end with this process.')
    rmSync(place, { recursive: true })
  })

  it('ends at once at a second Ctrl-C', async () => {
    const run = await serve(`servers:\n${good}`)
    const call = start(['call', 'harbour__unload', '{"ship":"Aurora","crates":100}', '--url', run.url])
    await until(call, 'stderr', 'crate 1 ')
    run.child.kill('SIGINT')
    await until(run, 'stderr', 'Press Ctrl-C again')
    expect(await interrupted(run.child)).toBe(true)
    expect(await run.exit).toBe(130)
    expect(await call.exit).toBe(1)
  })

  it('takes the two signals that npm makes of one Ctrl-C as one', async () => {
    const run = await serve(`servers:\n${good}`)
    run.child.kill('SIGINT')
    run.child.kill('SIGINT')
    expect(await run.exit).toBe(0)
  })

  it('names the variable that answers an input where no terminal is', async () => {
    const text =
      '{"inputs":[{"type":"promptString","id":"api-key","password":true}],"servers":{"a":{"command":"node","env":{"K":"${input:api-key}"}}}}'
    const run = start(['up', '--mcp-json', file('inputs.json', text), '--listen', '127.0.0.1:0'])
    await until(run, 'stderr', 'Ctrl-C stops')
    expect(run.stderr).toContain('set the environment variable SIGNALBOX_INPUT_API_KEY')
    run.child.kill('SIGTERM')
    expect(await run.exit).toBe(0)
  })
})

describe('signalbox check', () => {
  const silent =
    '  silent: {command: node, args: [-e, "setInterval(() => {}, 1000)"], timeouts: {start: 1500, probe: 500, connect: 1000}}\n'
  const cases: [string, string, number, RegExp][] = [
    ['everything is fine', `servers:\n${good}`, 0, /valid, and every server answers/],
    ['the configuration is invalid', 'servers: 1\n', 10, /check\.yaml:1:10 servers: expected a mapping, got the number 1/],
    [
      'a program is not there',
      'servers: {a: {command: no-such-program}}\n',
      11,
      /servers\.a\.command: the program no-such-program is not on the PATH/,
    ],
    [
      'a variable is not set',
      'servers: {a: {command: node, env: {T: "${env:SIGNALBOX_TEST_UNSET}"}}}\n',
      11,
      /SIGNALBOX_TEST_UNSET is not set/,
    ],
    ['a server does not answer', `servers:\n${silent}`, 12, /silent +stdio +- +\w+/],
  ]
  it.each(cases)('tells that %s, by exit code', async (_, text, code, expected) => {
    const run = await finished(['check', file('check.yaml', text)])
    expect(`${run.stdout}${run.stderr}`).toMatch(expected)
    expect(run.code).toBe(code)
  })

  it('names a variable that names no usable proxy, and not its value', async () => {
    const env = { HTTPS_PROXY: 'http://user:p4ssword@proxy.example:99999', https_proxy: '', NO_PROXY: '', no_proxy: '' }
    const run = await finished(['check', file('proxied.yaml', 'servers: {a: {url: "https://a.example/mcp"}}')], env)
    expect(run.stdout).toContain('HTTPS_PROXY: is no address of a proxy; write http://HOST:PORT, or unset it')
    expect(`${run.stdout}${run.stderr}`).not.toContain('p4ssword')
    expect(run.code).toBe(10)
  })

  it('starts nothing with --no-connect', async () => {
    const marker = join(folder, 'started')
    const text = `servers: {a: {command: node, args: [-e, "require('fs').writeFileSync('${marker}', '')"]}}`
    const run = await finished(['check', file('quiet.yaml', text), '--no-connect', '--json'])
    expect(run.code).toBe(0)
    expect(JSON.parse(run.stdout)).toMatchObject({ ok: true, exitCode: 0, servers: [] })
    expect(() => execFileSync('ls', [marker], { stdio: 'ignore' })).toThrow()
  })

  it('warns of selectors that select no tool of a server that answers', async () => {
    const text = `tools: {harbour/unlaod: {retry: never}, harbour/*: {retry: reads}, '*': {idempotent: false}}\nservers:\n${good}`
    const run = await finished(['check', file('selectors.yaml', text), '--json'])
    expect(run.code).toBe(0)
    const unmatched = [{ key: 'tools', selector: 'harbour/unlaod', candidates: ['harbour/unload'] }]
    expect(JSON.parse(run.stdout)).toMatchObject({ servers: [{ name: 'harbour', unmatched }] })
    const shown = await finished(['check', file('selectors.yaml', text)])
    expect(shown.stdout).toContain('warning: tools.harbour/unlaod: selects no tool that the server has; did you mean harbour/unload?')
  })

  it('takes the file of a client', async () => {
    const run = await finished([
      'check',
      file('mcp.json', `{"mcpServers": {"Harbour": {"command": "node", "args": [${harbour}]}}}`),
      '--json',
    ])
    expect(JSON.parse(run.stdout)).toMatchObject({ ok: true, servers: [{ name: 'harbour', state: 'ready', tools: 4 }] })
  })
})

describe('a person tries what is served', () => {
  let run: Awaited<ReturnType<typeof serve>>
  beforeAll(async () => {
    run = await serve(`servers:\n${good}`)
  }, 30_000)
  afterAll(async () => {
    run.child.kill('SIGTERM')
    await run.exit
  })

  it('ls lists it', async () => {
    const { stdout, code } = await finished(['ls', '--url', run.url])
    expect(code).toBe(0)
    expect(stdout).toContain('harbour__list-ships')
    expect(stdout).toContain('harbour://rules')
  })

  it('ls names the servers that are not ready, with state and reason, as the admin door knows them', async () => {
    const lame = `require('readline').createInterface({input:process.stdin}).on('line',(l)=>{const m=JSON.parse(l);
      if(m.method==='initialize')console.log(JSON.stringify({jsonrpc:'2.0',id:m.id,result:{protocolVersion:'2025-06-18',capabilities:{tools:{}},serverInfo:{name:'l',version:'1'}}}));
      else if(m.method==='ping')console.log(JSON.stringify({jsonrpc:'2.0',id:m.id,result:{}}));
      else if(m.id!==undefined)console.log(JSON.stringify({jsonrpc:'2.0',id:m.id,error:{code:-32603,message:'the database is away'}}))})`
    const absent = `  absent: {command: no-such-program}\n`
    const other = await serve(
      `servers:\n${good}${absent}  lame: ${JSON.stringify({ command: 'node', args: ['-e', lame], era: 'legacy' })}\n`,
    )
    const { admin } = JSON.parse(other.stdout) as { admin: string }
    expect(other.stderr).toContain(`npx signalbox ls --url ${other.url} --admin ${admin}.`)
    const { stdout, code } = await finished(['ls', '--url', other.url, '--admin', admin])
    expect([code, stdout]).toEqual([0, expect.stringContaining('harbour__list-ships')])
    expect(stdout).toContain('Servers that are not ready (2)')
    expect(stdout).toMatch(/ {2}lame +degraded +tools\/list: .*the database is away/)
    expect(stdout).toMatch(/ {2}absent +\w+ +.*no-such-program/)
    expect(stdout).not.toMatch(/ {2}harbour +ready/)
    const json = JSON.parse((await finished(['ls', '--json', '--url', other.url, '--admin', admin])).stdout) as { servers: unknown[] }
    expect(json.servers).toContainEqual({ name: 'harbour', state: 'ready' })
    expect(json.servers).toContainEqual({ name: 'lame', state: 'degraded', reason: expect.stringContaining('the database is away') })
    const alone = await finished(['ls', '--url', `${other.url}/harbour`, '--admin', admin])
    expect([alone.code, alone.stdout]).toEqual([0, expect.not.stringContaining('not ready')])
    // The door that was named is not there, and by default there is none to ask.
    const missing = await finished(['ls', '--url', other.url, '--admin', 'http://127.0.0.1:9'])
    expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining('127.0.0.1:9/admin/v1/upstreams')])
    expect((await finished(['ls', '--json', '--url', other.url])).stdout).not.toContain('"servers"')
    other.child.kill('SIGTERM')
    expect(await other.exit).toBe(0)
  })

  it('call prints the result, and progress and log messages beside it', async () => {
    const { stdout, stderr, code } = await finished(['call', 'harbour__unload', '{"ship":"Aurora","crates":2}', '--url', run.url])
    expect([stdout, code]).toEqual(['2 crates of Aurora are ashore.\n', 0])
    expect(stderr).toContain('progress 2 of 2 crate 2 of Aurora')
    expect(stderr).toContain('info: crate 1 is ashore')
  })

  it('call repeats arguments in headers where the tool wants it, and keeps 64-bit integers', async () => {
    expect((await finished(['call', 'harbour__list-ships', '{"quay":"north"}', '--url', run.url])).stdout).toContain('Aurora')
    const { stdout } = await finished(['call', 'harbour__next-ticket', '{}', '--json', '--url', run.url])
    expect(stdout).toContain('"ticket":9007199254740993}')
  })

  it('call tells what is wrong with the arguments, with exit code 1', async () => {
    const { stderr, code } = await finished(['call', 'harbour__unload', '{"ship":{}}', '--url', run.url])
    expect(code).toBe(1)
    expect(stderr).toMatch(/ship.*string/)
  })

  it.each([
    ['an unknown tool', ['call', 'harbour__unlaod', '{}'], 1, 'did you mean harbour__unload?'],
    ['arguments that are no JSON', ['call', 'harbour__unload', '{ship}'], 2, 'no valid JSON'],
    ['a question without a terminal', ['call', 'harbour__depart', '{"ship":"Petrel"}'], 1, ''],
  ])('call refuses %s', async (_, args, code, text) => {
    const outcome = await finished([...args, '--url', run.url])
    expect(outcome.code).toBe(code)
    expect(outcome.stderr).toContain(text)
    expect(outcome.stderr).not.toMatch(/\n {4}at /)
  })

  it('without a gateway both say how to start one', async () => {
    const { stderr, code } = await finished(['ls', '--url', 'http://127.0.0.1:9/mcp'])
    expect(code).toBe(1)
    expect(stderr).toContain('start the gateway with `signalbox up`')
  })
})

describe('signalbox stdio', () => {
  it('serves a desktop client, with nothing but the protocol on standard output', async () => {
    const config = file('desktop.yaml', `servers:\n${good}  absent: {command: no-such-program}\n`)
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [main, 'stdio', '--config', config],
      stderr: 'pipe',
      cwd: folder,
    })
    const errors: Error[] = []
    const client = new Client({ name: 'desktop', version: '1' })
    client.onerror = (error) => void errors.push(error)
    await client.connect(transport)
    const { tools } = await client.listTools()
    expect(tools.map((tool) => tool.name)).toContain('harbour__list-ships')
    const result = await client.callTool({ name: 'harbour__list-ships', arguments: { quay: 'south' } })
    expect(result.structuredContent).toEqual({ quay: 'south', ships: ['Petrel'] })
    await client.close()
    expect(errors).toEqual([])
  })

  it('ends when its client leaves', async () => {
    const run = start(['stdio', '--config', file('leave.yaml', `servers:\n${good}`)])
    run.child.stdin?.end()
    expect(await run.exit).toBe(0)
    expect(run.stdout).toBe('')
  })
})

describe('signalbox schema', () => {
  it('ends quietly where its reader had enough', async () => {
    const run = start(['schema'])
    run.child.stdout?.destroy()
    expect(await run.exit).toBe(0)
    expect(run.stderr).toBe('')
  })

  it('prints the JSON Schema that editors use', async () => {
    const { stdout, code } = await finished(['schema'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ type: 'object', additionalProperties: false, properties: { servers: { type: 'object' } } })
  })
})
