// The thread that counts tokens: the vocabulary takes a tenth of a second to load and some 70 MB, and a text that was made to be slow takes
// long, so neither is in the thread that serves calls.
import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'

/** A thread, or what stands for one. */
export interface TokenThread {
  /** Told of by one number for each text, in order. The texts are handed over. */
  ask(texts: readonly Uint8Array<ArrayBuffer>[]): void
  end(): void
}

/** `lost`: it ended by itself, or could not be started. */
export type StartTokenThread = (told: (counts: readonly number[]) => void, lost: (reason: string) => void) => TokenThread

type Count = (text: string, options: { readonly disallowedSpecial: Set<string> }) => number

/** Memory of the thread, in MB: beyond it the thread ends, and nothing else. */
const heapMb = 256
/** Pieces of words that the library remembers; ten times as many are its own default. */
const cached = 10_000

export const startTokenThread: StartTokenThread = (told, lost) => {
  const library = createRequire(import.meta.url).resolve('gpt-tokenizer/encoding/o200k_base')
  const text = `
    const { parentPort, workerData } = require('node:worker_threads')
    const { countTokens, setMergeCacheSize } = require(workerData)
    setMergeCacheSize(${cached})
    const countIn = ${countIn.toString()}
    parentPort.on('message', (texts) => parentPort.postMessage(texts.map((text) => countIn(countTokens, text))))
  `
  const worker = new Worker(text, {
    eval: true,
    workerData: library,
    execArgv: [],
    name: 'signalbox-tokens',
    resourceLimits: { maxOldGenerationSizeMb: heapMb },
  })
  // It never holds the process.
  worker.unref()
  worker.on('message', told)
  worker.on('error', (error) => lost(String(error)))
  worker.on('messageerror', (error) => lost(String(error)))
  worker.on('exit', (code) => lost(`it ended with code ${code}`))
  return {
    ask: (texts) =>
      worker.postMessage(
        texts,
        texts.map(({ buffer }) => buffer),
      ),
    end: () => void worker.terminate().catch(() => undefined),
  }
}

/**
 * In pieces that end at white space, since the time for one grows with the square of its length. It runs in the thread, which is given its
 * text: it refers to nothing outside of itself.
 */
export function countIn(count: Count, bytes: Uint8Array): number {
  const longest = 1_024
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
  // What looks like a mark of the vocabulary is text like any other.
  const plain = { disallowedSpecial: new Set<string>() }
  let tokens = 0
  for (let from = 0; from < text.length; ) {
    let to = Math.min(text.length, from + longest)
    if (to < text.length) {
      const space = Math.max(text.lastIndexOf(' ', to), text.lastIndexOf('\n', to))
      if (space > from + longest / 2) to = space
    }
    tokens += count(text.slice(from, to), plain)
    from = to
  }
  return tokens
}
