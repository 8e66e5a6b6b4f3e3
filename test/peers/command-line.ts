// A command of the built program, run as a user runs it; what the test serves meanwhile goes on.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { root } from './servers.ts'

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

export function signalbox(folder: string, ...args: string[]): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(process.execPath, [join(root, 'dist', 'main.js'), ...args], { cwd: folder }, (error, out, err) =>
      resolve({ code: Number(error?.code ?? 0), out, err }),
    )
  })
}
