// A program that stands round a stdio server: `node stdio-shim.js PLAN COMMAND ARGS…` starts the server as its child and hands on the lines
// of both sides, but for answers that a rule of its plan is about. The child has executed the request by then.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { systemClock } from '../../../platform/clock/system-clock.ts'
import { Rules } from './rules.ts'
import { harmed, type StdioFault } from './stdio-fault.ts'
import type { StdioPlan } from './stdio-plan.ts'

class Shim {
  private readonly plan: StdioPlan
  private readonly rules: Rules<StdioFault>
  private readonly child: ChildProcess
  private readonly pending = new Map<string, StdioFault>()

  constructor(plan: StdioPlan, command: string, args: readonly string[]) {
    this.plan = plan
    this.rules = new Rules(plan.rules ?? [], plan.seed ?? 1)
    this.rules.restore(this.kept())
    this.child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.child.on('error', (error) => this.end(1, `${error.message}\n`))
    this.child.on('exit', (code) => this.end(code ?? 1))
    this.child.stdin?.on('error', () => undefined)
    if (this.child.stdout !== null) eachLine(this.child.stdout, (line) => this.answered(line))
  }

  listen(): void {
    eachLine(process.stdin, (line) => {
      const message = parsed(line)
      const params = (message?.params ?? {}) as Record<string, unknown>
      if (message?.id !== undefined && message.method !== undefined) {
        // Others round children of the same plan may have counted meanwhile: each session of a client has a child of its own.
        this.rules.restore(this.kept())
        const fault = this.rules.choose({ method: String(message.method), params })
        this.keep()
        if (fault !== undefined) this.pending.set(JSON.stringify(message.id), fault)
      }
      this.child.stdin?.write(line)
    })
    process.stdin.on('end', () => this.child.stdin?.end())
  }

  private answered(line: string): void {
    const message = parsed(line)
    const key = JSON.stringify(message?.id)
    const fault = message?.method === undefined ? this.pending.get(key) : undefined
    if (fault === undefined) {
      process.stdout.write(line)
      return
    }
    this.pending.delete(key)
    void this.harm(fault, line)
  }

  private async harm(fault: StdioFault, line: string): Promise<void> {
    if (fault.kind === 'stderr') await new Promise((resolve) => process.stderr.write(Buffer.alloc(fault.bytes, 0x2e), resolve))
    const bytes = harmed(fault, line)
    if (bytes !== undefined) await new Promise((resolve) => process.stdout.write(bytes, resolve))
    if (fault.kind === 'oversize') await oversize(fault.bytes)
    if (fault.kind === 'exit') this.end(fault.code, fault.stderr)
    if (fault.kind === 'partial') this.end(0)
    if (fault.kind === 'stop') process.kill(process.pid, 'SIGSTOP')
    if (fault.kind === 'kill') {
      this.child.kill('SIGKILL')
      process.kill(process.pid, 'SIGKILL')
    }
  }

  /** Ends as soon as what was written is out: nothing holds the process any more. */
  private end(code: number, stderr = ''): void {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.removeAllListeners('exit').kill('SIGKILL')
    process.exitCode = code
    process.stdin.destroy()
    if (stderr !== '') process.stderr.write(stderr)
  }

  private kept(): number[] {
    if (this.plan.counts === undefined) return []
    try {
      return JSON.parse(readFileSync(this.plan.counts, 'utf8')) as number[]
    } catch {
      return []
    }
  }

  private keep(): void {
    if (this.plan.counts !== undefined) writeFileSync(this.plan.counts, JSON.stringify(this.rules.counts()))
  }
}

async function oversize(bytes: number): Promise<void> {
  const block = Buffer.alloc(1_048_576, 0x61)
  for (let sent = 0; sent < bytes; sent += block.length) if (!process.stdout.write(block)) await once(process.stdout, 'drain')
}

/** Lines with their ends. */
function eachLine(stream: NodeJS.ReadableStream, take: (line: string) => void): void {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) take(`${line}\n`)
  })
}

function parsed(line: string): Record<string, unknown> | undefined {
  try {
    const message = JSON.parse(line) as unknown
    return typeof message === 'object' && message !== null ? (message as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function start(plan: StdioPlan, command: string, args: readonly string[]): void {
  const begin = plan.start
  process.stdout.on('error', () => process.stdin.destroy())
  if (begin?.kind === 'exit') {
    process.exitCode = begin.code
    process.stderr.write(begin.stderr)
    return
  }
  if (begin?.kind === 'hang') {
    process.stdin.resume()
    return
  }
  if (begin?.kind === 'noise') process.stdout.write(begin.text)
  const shim = new Shim(plan, command, args)
  if (begin?.kind === 'slow') systemClock.timer(begin.ms, () => shim.listen())
  else shim.listen()
}

const [plan = '{}', command = '', ...args] = process.argv.slice(2)
start(JSON.parse(plan) as StdioPlan, command, args)
