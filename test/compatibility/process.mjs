// Starts the programs of the compatibility table and ends them again, with all that they started.
import { spawn } from 'node:child_process'
import { connect, createServer } from 'node:net'
import { createInterface } from 'node:readline'

const started = new Set()
process.on('exit', () => {
  for (const child of started) end(child)
})
process.on('SIGINT', () => process.exit(130))
process.on('SIGTERM', () => process.exit(143))

function end(child, signal = 'SIGKILL') {
  try {
    process.kill(-child.pid, signal)
  } catch {
    // It is gone.
  }
}

/** The environment of a peer: what NODE_OPTIONS says is for our own programs. */
function environment(env) {
  const { NODE_OPTIONS: _ours, ...rest } = process.env
  return { ...rest, ...env }
}

/** Runs an installer without a word; its output comes with the error where it fails. */
export function quietly(command, args, { cwd, env = {} } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: environment(env), stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    started.add(child)
    let text = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        text = (text + chunk).slice(-2_000)
      })
    child.once('error', reject)
    child.once('close', (code) => {
      started.delete(child)
      if (code === 0) resolve()
      else reject(new Error(`${command} ended with ${code}: ${text.trim().split('\n').slice(-3).join(' ')}`))
    })
  })
}

/** Starts a program in a process group of its own. */
export function start({ command, args }, { env, cwd, ours = false } = {}) {
  const child = spawn(command, args, {
    cwd,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: ours ? { ...process.env, ...env } : environment(env),
  })
  started.add(child)
  let errors = ''
  child.stderr.on('data', (chunk) => {
    errors = (errors + chunk).slice(-4_000)
  })
  child.stdin.on('error', () => undefined)
  const gone = new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, signal) => resolve(code ?? signal))
  })
  return {
    lines: createInterface(child.stdout),
    gone,
    write: (text) => child.stdin.write(text),
    errors: () => errors,
    /** Ends it and everything that it started. */
    stop: async (signal = 'SIGKILL') => {
      end(child, signal)
      const code = await gone
      end(child)
      started.delete(child)
      return code
    },
  }
}

export function freePort() {
  return new Promise((resolve) => {
    const server = createServer()
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

/** Resolves once something listens on the port; rejects if the program ends before. */
export async function listening(port, program, ms = 30_000) {
  let ended
  program.gone.then((code) => {
    ended = code
  })
  for (const limit = performance.now() + ms; performance.now() < limit; ) {
    if (ended !== undefined) throw new Error(`the server ended with ${ended}: ${program.errors().slice(-500)}`)
    const open = await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1')
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
      socket.once('close', () => socket.destroy())
      socket.setTimeout(1_000, () => socket.destroy())
      socket.once('connect', () => socket.end())
    })
    if (open) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('the server did not listen')
}
