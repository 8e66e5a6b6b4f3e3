// Signals a process group and tells whether anything of it is left. Where /proc tells (Linux), descendants that made a group of their
// own, as browsers behind a server do, are found as well.
import { readdirSync, readFileSync } from 'node:fs'

export class ProcessGroup {
  private readonly leader: number
  private readonly groups: Set<number>

  /** `leader` began its own group, so that its pid is the group's id. */
  constructor(leader: number) {
    this.leader = leader
    this.groups = new Set([leader])
  }

  /** Remembers the groups of the leader's descendants. Must be called while the leader lives: later they cannot be told from others. */
  survey(): void {
    const own = statOf(process.pid)?.group
    for (const pid of descendants(this.leader)) {
      const group = statOf(pid)?.group
      if (group !== undefined && group > 1 && group !== own) this.groups.add(group)
    }
  }

  signal(name: 'SIGTERM' | 'SIGKILL' | 'SIGCONT'): void {
    for (const group of this.groups) send(group, name)
  }

  /** Whether a process of it is left. `thorough` does not count zombies that nobody reaps (a container without an init). */
  alive(thorough: boolean): boolean {
    let any = false
    for (const group of this.groups) {
      if (send(group, 0) === 'gone' || (thorough && onlyZombies(group))) this.groups.delete(group)
      else any = true
    }
    return any
  }
}

function send(group: number, signal: NodeJS.Signals | 0): 'sent' | 'gone' {
  try {
    process.kill(-group, signal)
    return 'sent'
  } catch (error) {
    // EPERM: something of another user is left there.
    return (error as NodeJS.ErrnoException).code === 'ESRCH' ? 'gone' : 'sent'
  }
}

function descendants(pid: number): number[] {
  const found: number[] = []
  const waiting = [pid]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const child of childrenOf(next)) {
      found.push(child)
      waiting.push(child)
    }
  }
  return found
}

/** proc(5): `/proc/pid/task/tid/children`, per thread that forked. */
function childrenOf(pid: number): number[] {
  const threads = attempt(() => readdirSync(`/proc/${pid}/task`)) ?? []
  return threads.flatMap((thread) => {
    const list = attempt(() => readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1')) ?? ''
    return list.split(' ').filter(Boolean).map(Number)
  })
}

function onlyZombies(group: number): boolean {
  const pids = attempt(() => readdirSync('/proc'))?.filter((name) => /^\d+$/.test(name))
  if (pids === undefined || pids.length === 0) return false
  const found = pids.map((pid) => statOf(Number(pid))).filter((stat) => stat?.group === group)
  return found.length > 0 && found.every((stat) => stat?.state === 'Z' || stat?.state === 'X')
}

/** proc(5): `pid (comm) state ppid pgrp …`; comm may hold spaces and brackets. */
function statOf(pid: number): { readonly state: string; readonly group: number } | undefined {
  const line = attempt(() => readFileSync(`/proc/${pid}/stat`, 'latin1'))
  if (line === undefined) return undefined
  const [state, , group] = line.slice(line.lastIndexOf(')') + 2).split(' ')
  return state === undefined || group === undefined ? undefined : { state, group: Number(group) }
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
