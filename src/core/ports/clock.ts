// Time and chance by port, so that tests can turn both by hand.

export interface Timer {
  cancel(): void
}

export interface Clock {
  /** Milliseconds since the epoch; may jump. For stamps only. */
  now(): number
  /** Monotonic milliseconds with fractions; for durations and deadlines. */
  mono(): number
  /** Runs `work` once after `ms`. The timer never keeps the process alive by itself. */
  timer(ms: number, work: () => void): Timer
}

export interface Random {
  bytes(count: number): Uint8Array
  /** A fresh id of 128 bits, lower-case hex with dashes. */
  id(): string
  /** A fresh id of a request or call that came then, in ms since the epoch: a UUID of version 7 (RFC 9562), whose time its row is found by. */
  callId(atMs: number): string
  /** Uniform in [0, 1). */
  fraction(): number
}
