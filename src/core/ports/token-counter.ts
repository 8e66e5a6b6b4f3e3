// How many tokens a text has for a model, by the vocabulary o200k: at once, by its characters, or exactly, in its own time.

export interface TokenCounter {
  /** Of UTF-8, by its characters; a whole number. Bounded, whatever the text. */
  estimate(text: Uint8Array): number
  /**
   * Counts UTF-8 and tells of it later, or at once; undefined where it was not counted. Takes a copy of what it needs, never blocks, never
   * throws. Of a large text parts are counted.
   */
  count(text: Uint8Array, told: (tokens: number | undefined) => void): void
  /** False: `count` tells no more than `estimate`. */
  readonly exact: boolean
  /** Ends what it runs; it counts nothing more. */
  close(): void
}
