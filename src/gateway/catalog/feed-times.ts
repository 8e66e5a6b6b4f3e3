// When a feed asks its server again.

/** Milliseconds unless said otherwise. */
export const feedTimes = {
  /** A change is pulled this long after it was announced, so that a burst costs one pull. */
  debounce: 75,
  /** Pauses between pulls under a storm of changes. */
  spacing: 500,
  /** Poll of lists whose change is not announced, ± a tenth; of the others, whose announcements may have no way to come. */
  poll: 60_000,
  slowPoll: 300_000,
  /** Shortest pause between two lists that callers caused by naming what is not known. */
  unknown: 2_000,
  /** Pauses between pulls of a list that has no end. */
  endless: 60_000,
  /** Longest wait for lists that the server does not declare. */
  undeclared: 1_000,
  /** First and longest pause after a failed attempt. */
  retry: 1_000,
  retryMost: 30_000,
} as const
