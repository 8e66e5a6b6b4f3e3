// Ends a test run with one plain line that every tool can read: `N passed, N failed`, with the skipped ones where there are any. A warning
// of the runner itself, or of a program that outlived its test file, is a failure too.
import type { Reporter, TestModule, Vitest } from 'vitest/node'
import { ownWarnings, refusal, takeWarnings } from './warnings/warnings.ts'

export default class PlainReporter implements Reporter {
  private readonly own = ownWarnings()
  private vitest: Vitest | undefined

  onInit(vitest: Vitest): void {
    this.vitest = vitest
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0, pending: 0 }
    for (const module of modules) {
      for (const test of module.children.allTests()) counts[test.result().state] += 1
      if (module.errors().length > 0) counts.failed += 1
    }
    const folder = this.vitest?.getRootProject().getProvidedContext().warnings
    const refused = refusal([...this.own.heard, ...(folder === undefined ? [] : takeWarnings(folder))])
    if (refused !== undefined) {
      counts.failed += 1
      process.exitCode = 1
      process.stdout.write(`${refused}\n`)
    }
    const skipped = counts.skipped + counts.pending
    process.stdout.write(`${counts.passed} passed, ${counts.failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`)
  }
}
