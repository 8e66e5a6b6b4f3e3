// What is wanted of a tool or a server, as configuration says it (`objective`).

export interface Objective {
  /** Percent of calls that succeed; undefined: nothing is wanted. */
  readonly availability: number | undefined
  /** In ms: how long `percentile` percent of the calls take at most; undefined: nothing is wanted. */
  readonly latency: number | undefined
  /** Percent. */
  readonly percentile: number
}
