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
    const all = processes()
    const family = new Set([this.leader])
    // A parent may stand behind its child in the list, where process ids have wrapped.
    for (let before = 0; before < family.size; ) {
      before = family.size
      for (const one of all) if (family.has(one.parent)) family.add(one.pid)
    }
    for (const one of all) if (family.has(one.pid) && one.group > 1) this.groups.add(one.group)
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

function onlyZombies(group: number): boolean {
  const found = processes().filter((one) => one.group === group)
  return found.length > 0 && found.every((one) => one.state === 'Z' || one.state === 'X')
}

interface Process {
  readonly pid: number
  readonly state: string
  readonly parent: number
  readonly group: number
}

/** All processes that /proc shows; none where there is no /proc. */
function processes(): Process[] {
  const names = attempt(() => readdirSync('/proc')) ?? []
  return names.flatMap((name) => (/^\d+$/.test(name) ? (statOf(name) ?? []) : []))
}

/** proc(5): `pid (comm) state ppid pgrp …`; comm may hold spaces and brackets. */
function statOf(pid: string): Process | undefined {
  const line = attempt(() => readFileSync(`/proc/${pid}/stat`, 'latin1'))
  if (line === undefined) return undefined
  const [state = '', parent, group] = line.slice(line.lastIndexOf(')') + 2).split(' ')
  return { pid: Number(pid), state, parent: Number(parent), group: Number(group) }
}

/** Processes end while they are read. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
