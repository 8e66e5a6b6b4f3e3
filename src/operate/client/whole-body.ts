// Reads the body of an answer whole, up to a size.
import { ChunkBuffer } from '../../core/protocol/chunk-buffer.ts'

/** Undefined where it is larger than `most` bytes; reading ends there. */
export async function wholeBody(body: AsyncIterable<Uint8Array>, most: number): Promise<Uint8Array | undefined> {
  const whole = new ChunkBuffer()
  for await (const chunk of body) {
    if (whole.length + chunk.length > most) return undefined
    whole.append(chunk)
  }
  return whole.take()
}
