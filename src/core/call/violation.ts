// What is wrong with a value by a schema.
/** One thing wrong with the arguments: where (JSON Pointer), what was expected, what came. */
export interface Violation {
  readonly path: string
  readonly expected: string
  readonly got: string
}

/** What a validator finds beside its violations, for who looks for another reading of the arguments. */
export interface Misfits {
  /** JSON Pointers of values that are of another type, or another value, than is wanted there. */
  readonly places: Set<string>
  /** Alternatives were tried, so that not all of the places need be wrong. */
  choice: boolean
}

/** Empty where the value fits. Never throws. */
export type Validate = (value: unknown, misfits?: Misfits) => readonly Violation[]
