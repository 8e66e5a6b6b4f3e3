// Finds the processes of a test by a mark in their environment, wherever they hang in the tree.
import type { ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** Pids whose environment holds the mark; zombies have none and do not count. */
export function marked(mark: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(mark)
      } catch {
        return false
      }
    })
}

/** Sends Ctrl-C until the process is gone: one that comes too soon after the first counts as the same. */
export function interrupted(child: ChildProcess): Promise<boolean> {
  return eventually(() => {
    if (child.exitCode !== null) return true
    child.kill('SIGINT')
    return false
  })
}

/** Waits, by looking, until the condition holds or the time is over. */
export async function eventually(holds: () => boolean | Promise<boolean>, ms = 10_000): Promise<boolean> {
  for (const end = performance.now() + ms; performance.now() < end; ) {
    if (await holds()) return true
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  return holds()
}
