// How much of the processor this thread has used, whatever else the machine does beside it: for tests that something stays cheap.
import { existsSync, readFileSync } from 'node:fs'

const account = '/proc/thread-self/schedstat'
const exact = existsSync(account)

/** Milliseconds; only differences mean something. Where the system keeps no account of threads, the time of the clock. */
export function cpuMs(): number {
  return exact ? Number(readFileSync(account, 'utf8').split(' ')[0]) / 1e6 : performance.now()
}
