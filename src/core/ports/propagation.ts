// What a door asks of telemetry where a request comes in: whether its trace is exported, and what of its baggage goes on.

export interface Propagation {
  /** `parent`: what the client says of its trace; undefined where it names none. */
  sampled(traceId: string, parent: boolean | undefined): boolean
  /** Keys of baggage that servers are told of. */
  readonly baggage: ReadonlySet<string>
}
