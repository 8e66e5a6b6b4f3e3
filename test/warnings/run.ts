// Runs around the whole test run: the folder of its warnings.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    /** The folder of all warnings of a run. */
    readonly warnings: string
  }
}

export default function setup(project: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-warnings-'))
  project.provide('warnings', folder)
  return () => rmSync(folder, { recursive: true, force: true })
}
