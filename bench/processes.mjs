// Programs of the benchmark, each pinned to a core, and what they use. They end with the benchmark.
import { spawn, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** With the signal that ends each: nginx ends its worker where it is asked to, and leaves it where it is killed. */
const children = []
process.on('exit', () => {
  for (const { child, signal } of children) child.kill(signal)
})

/** The load shares its core with the upstream, never with a gateway. */
export function pinLoad() {
  spawnSync('taskset', ['-acp', '0', String(process.pid)])
}

/** Starts a program pinned to a core; resolves to its first line of JSON. */
export function start(core, args, env = {}) {
  const child = spawn('taskset', ['-c', String(core), process.execPath, ...args], {
    stdio: ['ignore', 'pipe', process.env.BENCH_VERBOSE ? 'inherit' : 'ignore'],
    env: { ...process.env, ...env },
  })
  children.push({ child, signal: 'SIGKILL' })
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout.on('data', (chunk) => {
      text += chunk
      const line = text.split('\n')[0]
      if (text.includes('\n')) resolve({ ...JSON.parse(line), pid: child.pid })
    })
    // Only one that ends before it is ready fails: the promise is settled after.
    child.on('exit', (code) => reject(new Error(`${args.join(' ')} ended with ${code}`)))
  })
}

/** A program that says nothing, pinned to a core, and ends in order when it is asked to. */
export function spawnQuietly(core, command, args) {
  const child = spawn('taskset', ['-c', String(core), command, ...args], { stdio: 'ignore' })
  children.push({ child, signal: 'SIGTERM' })
  return child.pid
}

/** The first child of a process that hands its work to one. */
export async function workerOf(pid) {
  for (let i = 0; i < 100; i += 1) {
    const [worker] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')
    if (worker !== '') return Number(worker)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`process ${pid} has no child`)
}

/** User and system time of all threads; NaN for a process that is not known. */
export function cpuMs(pid) {
  if (pid === undefined) return Number.NaN
  let nanos = 0
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    try {
      nanos += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0])
    } catch {
      /* thread ended */
    }
  }
  return nanos / 1e6
}

export const rssMb = (pid) =>
  pid === undefined ? Number.NaN : Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1_024

/** Waits until the gateway has its server. `admin`: base address of its admin door. */
export async function untilReady(admin) {
  for (let i = 0; i < 100; i += 1) {
    const told = await (await fetch(`${admin}/admin/v1/upstreams`)).text()
    if (told.includes('"ready"')) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

export const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]
