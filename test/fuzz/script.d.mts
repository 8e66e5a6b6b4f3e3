export interface Script {
  /** Bytes in base64, written one after the other. */
  readonly chunks: readonly string[]
  /** What follows: the sound answer, nothing, or the end of the connection or process. */
  readonly end: 'answer' | 'nothing' | 'cut'
  /** HTTP alone; default 200 and an event stream. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
}
export function bytesOf(base64: string): string
export function filled(text: string, request: unknown): string
export function soundAnswer(request: unknown, era: 'legacy' | 'modern'): unknown
