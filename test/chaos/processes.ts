// What the kernel tells of a process: its children and its open files.
import { readdirSync, readFileSync } from 'node:fs'

export function children(parent: number | undefined): { pid: number; state: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const [, state = '', ppid = ''] =
          readFileSync(`/proc/${name}/stat`, 'latin1')
            .split(') ')[1]
            ?.match(/^(\S) (\d+)/) ?? []
        return Number(ppid) === parent ? [{ pid: Number(name), state }] : []
      } catch {
        return []
      }
    })
}

export function openFiles(pid: number | undefined): number {
  return readdirSync(`/proc/${pid}/fd`).length
}
