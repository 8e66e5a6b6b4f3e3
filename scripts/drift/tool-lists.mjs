// The tools/list of published versions of npm servers, asked over stdio. Each version is installed alone into a temporary folder, without
// its install scripts, with the dependencies of today, and removed after; its answer is kept in a folder, so that judging can be repeated.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** Long enough for a first start on a busy machine. */
const answerWithin = 60_000
const installWithin = 300_000

/** `{tools}`, or `{error}` where this version cannot be installed or does not answer. */
export async function toolsOf(server, version, folder) {
  const file = join(folder, server.package.replaceAll('/', '+'), `${version}.json`)
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8'))
  const place = mkdtempSync(join(tmpdir(), 'signalbox-drift-'))
  let found
  try {
    writeFileSync(join(place, 'package.json'), '{"private":true}')
    const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--silent', '--no-save']
    const installed = spawnSync('npm', ['install', ...flags, `${server.package}@${version}`], { cwd: place, timeout: installWithin })
    found = installed.status === 0 ? await ask(server, place) : { error: 'not installed' }
  } catch (error) {
    found = { error: error.message }
  } finally {
    rmSync(place, { recursive: true, force: true, maxRetries: 3 })
  }
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(file, JSON.stringify(found))
  return found
}

function programOf(name, place) {
  const folder = join(place, 'node_modules', name)
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  return join(folder, typeof bin === 'string' ? bin : Object.values(bin)[0])
}

async function ask(server, place) {
  const home = join(place, 'home')
  mkdirSync(home)
  const child = spawn(process.execPath, [programOf(server.package, place), ...(server.arguments?.(home) ?? [])], {
    cwd: home,
    env: { PATH: process.env.PATH, HOME: home, ...server.env },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  try {
    return { tools: await listed(child) }
  } catch (error) {
    return { error: error.message }
  } finally {
    child.kill('SIGKILL')
    // What it still writes would stand in the way of removing its folder.
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  }
}

async function listed(child) {
  const waiting = new Map()
  let ended
  const lines = createInterface({ input: child.stdout })
  lines.on('line', (line) => {
    try {
      const message = JSON.parse(line)
      waiting.get(message.id)?.(message)
    } catch {
      // Some versions print a greeting first.
    }
  })
  child.stdin.on('error', () => {})
  const over = new Promise((_, reject) => {
    ended = setTimeout(() => reject(new Error('no answer')), answerWithin)
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`ended with ${code}`)))
  })
  // It may end before anybody asks, and after.
  over.catch(() => {})
  const send = (message) => child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  const request = async (id, method, params) => {
    const answer = new Promise((resolve) => waiting.set(id, resolve))
    send({ id, method, params })
    const { result, error } = await Promise.race([answer, over])
    if (error !== undefined) throw new Error(error.message)
    return result
  }
  try {
    const clientInfo = { name: 'signalbox-drift', version: '0' }
    await request(1, 'initialize', {
      protocolVersion: '2025-06-18',
      capabilities: { roots: {}, sampling: {}, elicitation: {} },
      clientInfo,
    })
    send({ method: 'notifications/initialized' })
    const tools = []
    let cursor
    let id = 2
    do {
      const page = await request(id, 'tools/list', cursor === undefined ? {} : { cursor })
      tools.push(...page.tools)
      cursor = page.nextCursor
      id += 1
    } while (cursor !== undefined)
    return tools
  } finally {
    clearTimeout(ended)
    lines.close()
  }
}
