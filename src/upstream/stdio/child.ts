// One child process in a process group of its own: its stdin is bounded, its stderr always drained, its end told once, and when `stop`
// resolves nothing of its group is left, launchers' grandchildren included.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { Writable } from 'node:stream'
import { atBatchEnd } from '../../core/call/loop-batch.ts'
import { fault } from '../../core/faults/catalogue.ts'
import { evidence } from '../../core/faults/evidence.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { Clock, Timer } from '../../core/ports/clock.ts'
import type { Report } from '../../core/ports/report.ts'
import { withoutSecrets } from '../../core/secrets/without-secrets.ts'
import type { SandboxSettings } from '../settings.ts'
import { childEnvironment } from './environment.ts'
import { ProcessGroup } from './group.ts'
import { masking } from './masking.ts'
import { ByteRing } from './ring.ts'
import { confine } from './sandbox.ts'
import { watchdog } from './watchdog.ts'

export interface ChildOptions {
  /** Name of the server, for faults and logs. */
  readonly upstream: string
  readonly command: string
  readonly args: readonly string[]
  /** The settings' env, on top of the allow-list. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string | undefined
  /** Absent: the child may do what the gateway's user may. */
  readonly sandbox?: SandboxSettings | undefined
  /** What of the gateway no confined child may see. */
  readonly hidden?: readonly string[]
  readonly clock: Clock
  readonly report: Report
  /** Wait between the end of stdin and SIGTERM, and again between SIGTERM and SIGKILL, in ms. */
  readonly graceMs: number
  /** What may wait for a child that does not read its stdin, in bytes. One message alone may be larger. */
  readonly maxQueueBytes: number
}

export interface Ending {
  /** For people: "its process ended with exit code 3". */
  readonly how: string
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

const ringBytes = 64 * 1024
const quotedCharacters = 2_000
/** How long output may follow the exit, or the exit the end of output, in ms. */
const settleMs = 100
/** Wait for the kernel after SIGKILL in ms; what is left then (uninterruptible I/O) is reported. */
const killWaitMs = 2_000
/** Every how many looks a slow end is checked for zombies. */
const thoroughEvery = 8

/** Starts a child without a shell. Resolves when it runs, or to a fault that says what to mend. */
export async function startChild(options: ChildOptions): Promise<Child | Fault> {
  const badCwd = options.cwd === undefined ? undefined : await problemOfCwd(options.cwd)
  if (badCwd !== undefined) return unusable(options, `its working directory ${options.cwd} ${badCwd}. Correct \`cwd\`.`)
  const environment = childEnvironment(process.env, options.env, process.platform)
  const { sandbox, hidden = [] } = options
  const confined = sandbox === undefined ? undefined : confine({ ...options, sandbox, hidden }, environment, options.env)
  if (confined !== undefined && 'mend' in confined) return unusable(options, `${confined.what}. ${sentence(confined.mend)}`)
  let running: ChildProcessWithoutNullStreams
  try {
    running = spawn(confined?.command ?? options.command, confined?.args ?? options.args, {
      cwd: options.cwd,
      env: confined?.environment ?? environment,
      stdio: confined?.filter === undefined ? ['pipe', 'pipe', 'pipe'] : ['pipe', 'pipe', 'pipe', 'pipe'],
      // A group of its own (setsid), so that whatever the command starts can be ended with it.
      detached: process.platform !== 'win32',
      windowsHide: true,
    }) as ChildProcessWithoutNullStreams
  } catch (error) {
    return notStarted(options, error as NodeJS.ErrnoException, environment)
  }
  hand(running.stdio[3], confined?.filter)
  if (running.pid !== undefined) return new Child(running, running.pid, options)
  return await new Promise((resolve) => {
    running.once('error', (error) => resolve(notStarted(options, error, environment)))
  })
}

/** Bubblewrap reads it to its end before it starts anything. */
function hand(pipe: unknown, bytes: Buffer | undefined): void {
  if (!(pipe instanceof Writable)) return
  pipe.on('error', () => undefined)
  pipe.end(bytes)
}

export class Child {
  readonly pid: number
  /** Bytes of stdout. Set before anything is awaited. */
  onOutput: (chunk: Buffer) => void = () => undefined
  /** The child ended, or cannot be talked to any more. Called once, after its last output; what is left of it is not yet stopped. */
  onEnd: (ending: Ending) => void = () => undefined
  private readonly running: ChildProcessWithoutNullStreams
  private readonly options: ChildOptions
  private readonly group: ProcessGroup
  private readonly stderr = new ByteRing(ringBytes)
  /** Its last words, once it has ended. */
  private words: string | undefined
  private readonly closed: Promise<void>
  private readonly mask: (text: string) => string
  private exit: { readonly code: number | null; readonly signal: NodeJS.Signals | null } | undefined
  private broken: string | undefined
  private settling: Timer | undefined
  private told = false
  /** Looks at once whether the group is gone. */
  private look: () => void = () => undefined
  private stopping: Promise<void> | undefined

  constructor(running: ChildProcessWithoutNullStreams, pid: number, options: ChildOptions) {
    this.pid = pid
    this.running = running
    this.options = options
    this.group = new ProcessGroup(pid)
    this.mask = masking(options.env, options.args)
    watchdog.hold(pid, options.report.log)
    running.stdout.on('data', (chunk: Buffer) => this.onOutput(chunk))
    running.stderr.on('data', (chunk: Buffer) => this.stderr.write(chunk))
    running.stdin.on('error', () => this.lose('its process closed its standard input'))
    running.stdout.on('error', () => this.lose('its standard output cannot be read'))
    running.stdout.on('end', () => this.lose('its process closed its standard output'))
    running.stderr.on('error', () => undefined)
    running.on('error', () => undefined)
    running.on('exit', (code, signal) => {
      this.exit = { code, signal }
      this.settle()
      this.look()
    })
    this.closed = new Promise((resolve) => {
      running.on('close', () => {
        this.tell()
        this.words = this.lastWords()
        this.stderr.release()
        resolve()
      })
    })
  }

  /** Hands one framed message to the child's stdin. `full`: the child does not read, nothing was taken. */
  write(message: Uint8Array): 'taken' | 'full' | 'closed' {
    const stdin = this.running.stdin
    if (this.stopping !== undefined || this.exit !== undefined || !stdin.writable) return 'closed'
    const waiting = stdin.writableLength
    if (waiting > 0 && waiting + message.length > this.options.maxQueueBytes) return 'full'
    if (stdin.writableCorked === 0) {
      stdin.cork()
      atBatchEnd(() => stdin.uncork())
    }
    stdin.write(message)
    return 'taken'
  }

  /** Nothing more of its stdout is read until `resume`; an end of it that came is told after that. */
  pause(): void {
    this.running.stdout.pause()
  }

  resume(): void {
    this.running.stdout.resume()
  }

  /** The tail of stderr, masked; '' if there is none. */
  lastWords(): string {
    if (this.words !== undefined) return this.words
    // Masked before it is cut, so that no half of a secret is left at the cut.
    const words = this.quotable(this.stderr.text())
    return words.length <= quotedCharacters ? words : `…${words.slice(-quotedCharacters)}`
  }

  /** Anything of this child's output, fit for logs and faults. */
  quotable(text: string): string {
    return withoutSecrets(this.mask(text)).trim()
  }

  /**
   * Ends the whole group and resolves when it is gone. A child that still listens gets the end of its stdin first (MCP stdio shutdown),
   * then SIGTERM, then SIGKILL; `atOnce` leaves out the first.
   */
  stop(atOnce = false): Promise<void> {
    this.stopping ??= watchdog.awake(this.bringDown(atOnce))
    return this.stopping
  }

  private async bringDown(atOnce: boolean): Promise<void> {
    const { graceMs, report, upstream } = this.options
    this.survey()
    this.running.stdin.end()
    let gone = !atOnce && this.exit === undefined && this.broken === undefined && (await this.goneWithin(graceMs))
    if (!gone) {
      this.signal('SIGTERM')
      gone = await this.goneWithin(graceMs)
    }
    if (!gone) {
      this.signal('SIGKILL')
      gone = await this.goneWithin(killWaitMs)
    }
    watchdog.free(this.pid)
    this.settling?.cancel()
    // Somebody who left the group may still hold the other ends.
    for (const stream of [this.running.stdin, this.running.stdout, this.running.stderr]) stream.destroy()
    if (!gone) report.log('error', 'a process of a stdio server is left after SIGKILL', { upstream, group: this.pid })
    else await this.closed
  }

  private signal(name: 'SIGTERM' | 'SIGKILL'): void {
    this.survey()
    if (process.platform === 'win32') {
      spawn('taskkill', ['/pid', String(this.pid), '/T', '/F'], { stdio: 'ignore', windowsHide: true }).on('error', () =>
        this.running.kill(),
      )
      return
    }
    this.group.signal(name)
    // A stopped process would take SIGTERM only after it is continued.
    if (name === 'SIGTERM') this.group.signal('SIGCONT')
  }

  private survey(): void {
    if (this.exit === undefined) this.group.survey()
  }

  private async goneWithin(ms: number): Promise<boolean> {
    const { clock } = this.options
    const until = clock.mono() + ms
    for (let look = 1; ; look += 1) {
      if (!this.alive(look % thoroughEvery === 0)) return true
      if (clock.mono() >= until) return false
      await new Promise<void>((resolve) => {
        const timer = clock.timer(Math.min(4 * look, 50), resolve)
        this.look = () => {
          timer.cancel()
          resolve()
        }
      })
    }
  }

  private alive(thorough: boolean): boolean {
    if (process.platform === 'win32') return this.exit === undefined
    return this.group.alive(thorough)
  }

  /** A pipe is gone. If the process is about to end, its exit code says more. */
  private lose(how: string): void {
    this.broken ??= how
    this.settle()
  }

  private settle(): void {
    this.settling ??= this.options.clock.timer(settleMs, () => this.tell())
  }

  private tell(): void {
    if (this.told) return
    this.told = true
    this.settling?.cancel()
    const { code, signal } = this.exit ?? { code: null, signal: null }
    this.onEnd({ how: this.howItEnded(), code, signal })
  }

  private howItEnded(): string {
    if (this.exit === undefined) return this.broken ?? 'its process cannot be reached'
    if (this.exit.signal !== null) return `its process was ended by ${this.exit.signal}`
    return `its process ended with exit code ${this.exit.code}`
  }
}

async function problemOfCwd(cwd: string): Promise<string | undefined> {
  try {
    return (await stat(cwd)).isDirectory() ? undefined : 'is no directory'
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'ENOENT' ? 'does not exist' : `cannot be used (${code})`
  }
}

function notStarted(options: ChildOptions, error: NodeJS.ErrnoException, environment: Readonly<Record<string, string>>): Fault {
  const { command } = options
  switch (error.code) {
    case 'ENOENT':
      return unusable(options, `the command ${command} was not found${whereSought(command, environment)}.`, error.code)
    case 'EACCES':
    case 'EPERM':
      return unusable(options, `${command} may not be executed. Make it executable (chmod +x) or correct \`command\`.`, error.code)
    case 'ENOTDIR':
    case 'EISDIR':
    case 'ELOOP':
    case 'ENOEXEC':
    case 'EINVAL':
    case 'E2BIG':
    case 'ERR_INVALID_ARG_VALUE':
      return unusable(options, `${command} cannot be executed (${error.code}). Correct \`command\`, \`args\` or \`env\`.`, error.code)
    default:
      // Out of processes or file handles: passes by itself.
      return fault(
        'upstream_start_failed',
        {
          upstream: options.upstream,
          reason: `the system could not start ${command} (${error.code ?? 'unknown error'}).`,
          command,
          code: error.code,
        },
        { evidence: evidence.start_failed },
      )
  }
}

function whereSought(command: string, environment: Readonly<Record<string, string>>): string {
  const named = /[/\\]/.test(command)
  if (named && existsSync(command)) return ', or the interpreter that its first line names is not there. Install that interpreter'
  if (named) return '. Correct the path in `command`, or install it'
  return ` on the PATH ${environment.PATH ?? '(which is empty)'}. Install it, or give its full path in \`command\``
}

function sentence(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`
}

function unusable(options: ChildOptions, reason: string, code?: string): Fault {
  const { upstream, command, cwd } = options
  const detail = { upstream, item: 'it', reason, command, ...(cwd === undefined ? {} : { cwd }), ...(code === undefined ? {} : { code }) }
  return fault('config_error', detail, { evidence: evidence.not_configured })
}
