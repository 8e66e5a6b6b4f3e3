// One small watchdog process for the whole gateway. It holds a pipe from the gateway, knows the process groups of the children, and ends
// them when the pipe closes: also after `kill -9` of the gateway no child is left. It ends with the gateway.
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Writable } from 'node:stream'
import type { Log } from '../../core/ports/report.ts'

/**
 * POSIX sh, since it needs about 1 MB where node needs 40. Children see the end of their stdin at the same moment, so they get a second
 * to end by themselves (a file half written is worse than a second).
 */
const script = `
trap '' INT TERM HUP QUIT PIPE
groups=
while read -r verb id; do
  case $verb in
    hold) groups="$groups $id" ;;
    free) kept=; for g in $groups; do [ "$g" = "$id" ] || kept="$kept $g"; done; groups=$kept ;;
  esac
done
known=" $groups "
pids=
grown=yes
while [ -n "$grown" ]; do
  grown=
  for f in /proc/[0-9]*/stat; do
    p=\${f#/proc/}; p=\${p%/stat}
    case $known in *" $p "*) continue ;; esac
    read -r line 2>/dev/null <"$f" || continue
    set -- \${line##*) }
    case $known in *" $2 "*) known="$known$p "; pids="$pids $p"; grown=yes ;; esac
  done
done
strike() { for g in $groups $pids; do kill -s "$1" -- "-$g" 2>/dev/null; done; for p in $pids; do kill -s "$1" "$p" 2>/dev/null; done; }
left() { for g in $groups $pids; do kill -s 0 -- "-$g" 2>/dev/null && return 0; done; return 1; }
strike TERM
strike CONT
n=0
while left && [ $n -lt 10 ]; do n=$((n+1)); sleep 0.1 2>/dev/null || { sleep 1; n=10; }; done
strike KILL
`

/** More deaths of the watchdog than this are somebody's intent; it is not started again. */
const maxStarts = 10

export class Watchdog {
  private readonly groups = new Set<number>()
  private dog: ChildProcessByStdio<Writable, null, null> | undefined
  private starts = 0
  private awaited = 0

  /** Process groups that are held now. */
  get held(): number {
    return this.groups.size
  }

  /** The watchdog's own process id, undefined while there is none. */
  get pid(): number | undefined {
    return this.dog?.pid
  }

  hold(group: number, log: Log): void {
    this.groups.add(group)
    if (this.dog === undefined) this.start(log)
    else this.tell('hold', group)
  }

  free(group: number): void {
    if (this.groups.delete(group)) this.tell('free', group)
  }

  /** Keeps the gateway's own process running until the work is done, which timers of the port do not. */
  async awake<T>(work: Promise<T>): Promise<T> {
    this.awaited += 1
    this.dog?.ref()
    try {
      return await work
    } finally {
      this.awaited -= 1
      if (this.awaited === 0) this.dog?.unref()
    }
  }

  /** Ends the watchdog, and with it whatever it holds. */
  close(): void {
    this.groups.clear()
    this.dog?.stdin.end()
  }

  private start(log: Log): void {
    if (process.platform === 'win32') return
    if (this.starts >= maxStarts) return
    this.starts += 1
    // Own session: Ctrl-C in the gateway's terminal does not reach it. Root directory: it pins none.
    const dog = spawn('/bin/sh', ['-c', script, 'signalbox-watchdog'], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
      cwd: '/',
      env: { PATH: process.env.PATH ?? '/usr/bin:/bin' },
    })
    this.dog = dog
    dog.on('error', (error) => {
      log('warn', 'the watchdog of the stdio servers cannot be started; they may outlive a killed gateway', { reason: error.message })
      if (this.dog === dog) this.dog = undefined
    })
    dog.on('exit', () => {
      if (this.dog !== dog) return
      this.dog = undefined
      if (this.groups.size > 0) this.start(log)
    })
    dog.stdin.on('error', () => undefined)
    // The gateway may end while it lives; that is its whole point.
    if (this.awaited === 0) dog.unref()
    const pipe: unknown = dog.stdin
    if (typeof pipe === 'object' && pipe !== null && 'unref' in pipe && typeof pipe.unref === 'function') pipe.unref()
    for (const group of this.groups) this.tell('hold', group)
  }

  private tell(verb: 'hold' | 'free', group: number): void {
    this.dog?.stdin.write(`${verb} ${group}\n`)
  }
}

/** The one of this process. */
export const watchdog = new Watchdog()
