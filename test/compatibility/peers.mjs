// Every SDK and bridge of the compatibility table: how it is installed, and how its client and its server are started. The programs are in
// peers/, a folder a language; what they need is pinned there and goes to .cache/compatibility (or COMPATIBILITY_CACHE).
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { quietly } from './process.mjs'

export const root = new URL('../..', import.meta.url).pathname
const programs = join(root, 'test', 'compatibility', 'peers')
const cache = process.env.COMPATIBILITY_CACHE ?? join(root, '.cache', 'compatibility')
const ours = (path) => join(programs, path)

const going = new Map()

/** Does the work where what it depends on has changed since it was last done; two that need the same wait for one. */
function once(name, inputs, work) {
  const found = going.get(name) ?? unlessDone(name, inputs, work)
  going.set(name, found)
  return found
}

async function unlessDone(name, inputs, work) {
  const folder = join(cache, name)
  const hash = createHash('sha256')
  for (const input of inputs) hash.update(existsSync(input) ? readFileSync(input) : input).update('\0')
  const digest = hash.digest('hex')
  const done = join(folder, '.done')
  if (existsSync(done) && readFileSync(done, 'utf8') === digest) return folder
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  await work(folder)
  writeFileSync(done, digest)
  return folder
}

function python(id, title, flavour, { eras = ['session'], ...rest } = {}) {
  const requirements = ours(`python/${id}.txt`)
  const folder = join(cache, id)
  const run = (...args) => ({ command: join(folder, 'bin', 'python'), args: ['-W', 'ignore', ...args] })
  return {
    id,
    title,
    eras,
    install: () =>
      once(id, [requirements], async (at) => {
        await quietly('python3', ['-m', 'venv', '--without-pip', at])
        const options = ['--quiet', '--disable-pip-version-check', '--no-input', '--no-deps', '--no-compile']
        await quietly('python3', ['-m', 'pip', '--python', join(at, 'bin', 'python'), 'install', ...options, '-r', requirements])
      }),
    client: { transports: ['http', 'sse', 'stdio'], start: (plan) => run(ours('python/client.py'), JSON.stringify({ ...plan, flavour })) },
    server: {
      transports: ['http', 'sse', 'stdio'],
      start: (transport, port) => run(ours('python/server.py'), flavour, transport, String(port)),
    },
    ...rest,
  }
}

function go(id, title, program, rest = {}) {
  const folder = join(cache, id)
  const run = (...args) => ({ command: join(folder, program), args })
  const sources = ['go.mod', 'go.sum', 'plan/plan.go', `${program}/main.go`].map((file) => ours(`go/${file}`))
  return {
    id,
    title,
    eras: ['session', 'auto'],
    install: () =>
      once(id, sources, (at) =>
        quietly('go', ['build', '-o', join(at, program), `./${program}`], { cwd: ours('go'), env: { GOTOOLCHAIN: 'local', GOFLAGS: '' } }),
      ),
    client: { transports: ['http', 'sse', 'stdio'], start: (plan) => run('client', JSON.stringify(plan)) },
    server: { transports: ['http', 'sse', 'stdio'], start: (transport, port) => run('server', transport, String(port)) },
    ...rest,
  }
}

function rust(id, title) {
  const folder = join(cache, id)
  const run = (...args) => ({ command: join(folder, 'target', 'debug', 'compatibility'), args })
  const sources = ['Cargo.toml', 'Cargo.lock', 'src/main.rs', 'src/client.rs', 'src/server.rs'].map((file) => ours(`rust/${file}`))
  const transports = ['http', 'stdio']
  return {
    id,
    title,
    eras: ['session', 'auto'],
    install: () =>
      once(id, sources, (at) =>
        quietly('cargo', ['build', '--locked', '--quiet', '--manifest-path', ours('rust/Cargo.toml')], {
          env: { CARGO_TARGET_DIR: join(at, 'target'), CARGO_PROFILE_DEV_DEBUG: '0' },
        }),
      ),
    client: { transports, start: (plan) => run('client', JSON.stringify(plan)) },
    server: { transports, start: (transport, port) => run('server', transport, String(port)) },
  }
}

function java(id, title, version, parts, rest = {}) {
  const folder = join(cache, id)
  const sources = ['', ...parts].flatMap((part) =>
    readdirSync(ours(join('java', part)))
      .filter((file) => file.endsWith('.java'))
      .map((file) => ours(join('java', part, file))),
  )
  const run = (...args) => ({
    command: 'java',
    args: ['-Xshare:auto', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-cp', `${folder}/classes:${folder}/lib/*`, 'Main', ...args],
  })
  const transports = parts.includes('early') ? ['sse', 'stdio'] : ['http', 'sse', 'stdio']
  return {
    id,
    title,
    eras: ['session'],
    install: () =>
      once(id, [...sources, ours('java/pom.xml'), version], async (at) => {
        const copy = ['-q', '-B', '-f', ours('java/pom.xml'), 'dependency:copy-dependencies', `-Dmcp.version=${version}`]
        await quietly('mvn', [...copy, `-DoutputDirectory=${join(at, 'lib')}`])
        await quietly('javac', ['-nowarn', '-d', join(at, 'classes'), '-cp', join(at, 'lib', '*'), ...sources])
      }),
    client: { transports, start: (plan) => run('client', JSON.stringify(plan)) },
    server: { transports, start: (transport, port) => run('server', transport, String(port)) },
    ...rest,
  }
}

function typescript(id, title, number, transports, rest = {}) {
  const run = (...args) => ({ command: process.execPath, args })
  return {
    id,
    title,
    eras: number === 2 ? ['session', 'auto'] : ['session'],
    install: async () => undefined,
    client: {
      transports: ['http', 'sse', 'stdio'],
      start: (plan) => run(ours('typescript/client.mjs'), JSON.stringify({ ...plan, flavour: `sdk${number}` })),
    },
    server: { transports, start: (transport, port) => run(ours(`typescript/server${number}.mjs`), transport, String(port)) },
    ...rest,
  }
}

export const sessions = typescript('typescript-1', 'TypeScript SDK 1.32.2', 1, ['http', 'sse', 'stdio'])
export const bothEras = typescript('typescript-2', 'TypeScript SDK 2.4.0', 2, ['http', 'stdio'])

export const peers = [
  python('python-1.12', 'Python SDK 1.12.4', 'mcp1'),
  python('python-1', 'Python SDK 1.30.0', 'mcp1', { fast: true }),
  python('python-2', 'Python SDK 2.3.0', 'mcp2', { eras: ['session', 'auto'], fast: true }),
  python('fastmcp-2', 'FastMCP 2.14.7', 'fastmcp2'),
  python('fastmcp-4', 'FastMCP 4.2.3', 'fastmcp4', { eras: ['session', 'auto'] }),
  go('go-sdk', 'Go SDK 1.8.0', 'gosdk', { fast: true }),
  go('mcp-go', 'mcp-go 1.2.1', 'mcpgo'),
  java('java-0.9', 'Java SDK 0.9.0', '0.9.0', ['early']),
  java('java-0.17', 'Java SDK 0.17.2', '0.17.2', ['current', 'json-0']),
  java('java-1', 'Java SDK 1.1.5', '1.1.5', ['current', 'json-1'], { fast: true }),
  java('java-2', 'Java SDK 2.2.0', '2.2.0', ['current', 'json-1']),
  rust('rmcp', 'rmcp 3.11.0'),
  sessions,
  bothEras,
]

const bridgesFolder = join(cache, 'bridges')

function bridge(id, title, rest) {
  const pins = ['package.json', 'package-lock.json'].map((file) => ours(`bridges/${file}`))
  return {
    id,
    title,
    install: () =>
      once('bridges', pins, async (at) => {
        for (const pin of pins) copyFileSync(pin, join(at, basename(pin)))
        await quietly('npm', ['ci', '--silent', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: at })
      }),
    ...rest,
  }
}

const bin = (name) => join(bridgesFolder, 'node_modules', '.bin', name)

/** Stands before a client that knows stdio only. */
export const mcpRemote = bridge('mcp-remote', 'mcp-remote 0.15.1', {
  through: ({ url, transport, ...plan }) => ({
    ...plan,
    transport: 'stdio',
    command: bin('mcp-remote'),
    args: [url, '--allow-http', '--transport', `${transport}-only`],
  }),
})

/** Stands before a server on stdio. */
export const supergateway = bridge('supergateway', 'supergateway 4.0.0', {
  start: ({ command, args }, transport, port) => ({
    command: bin('supergateway'),
    args: [
      ...['--stdio', [command, ...args].join(' '), '--port', String(port), '--logLevel', 'none'],
      ...(transport === 'sse' ? ['--outputTransport', 'sse'] : ['--outputTransport', 'streamableHttp', '--stateful']),
    ],
  }),
})
