// A report that nobody reads.
import type { Report } from '../../src/core/ports/report.ts'

export const silentReport: Report = { log: () => undefined, counters: { add: () => undefined } }
