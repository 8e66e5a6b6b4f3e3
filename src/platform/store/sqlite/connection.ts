// The way to an engine: in a thread for a file, since a disk, a lock or a checkpoint may hold it for long; in this thread for memory.
import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import { createEngine, type EngineAnswer, type EngineRequest } from './engine.ts'
import { begun, mayBegin } from './threads.ts'

/** One answer for each request, in their order. */
export interface Asked<Request, Answer> {
  /** Rejects where the engine is gone. `handedOver`: buffers of the request that nobody needs here any more. */
  ask(request: Request, handedOver?: readonly ArrayBuffer[]): Promise<Answer>
  /** Lets go of it, whatever it does: what waits is told at once and not done any more, and its thread ends after the call that it is in. */
  end(): void
}

export type Connection = Asked<EngineRequest, EngineAnswer>

interface Waiting<Answer> {
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: Error) => void
}

/** The engine is loaded with the first request: most gateways without a state folder need it late or never. */
export function inProcess(): Connection {
  let engine: Promise<(request: EngineRequest) => EngineAnswer> | undefined
  return {
    ask: async (request) => {
      engine ??= import('@photostructure/sqlite').then((sqlite) => createEngine(sqlite))
      return (await engine)(request)
    },
    end: () => undefined,
  }
}

export function inThread(): Connection {
  return threadOf(`(${createEngine.toString()})(sqlite)`, 'signalbox-store')
}

/** `engine`: text of an expression that gives what answers the requests; `sqlite` is the library in it. */
export function threadOf<Request, Answer>(engine: string, name: string): Asked<Request, Answer> {
  if (!mayBegin()) return exiting()
  const library = createRequire(import.meta.url).resolve('@photostructure/sqlite')
  const text = `
    const { parentPort, workerData: { library, isOver } } = require('node:worker_threads')
    const sqlite = require(library)
    const engine = ${engine}
    parentPort.on('message', (request) => Atomics.load(isOver, 0) === 1 ? parentPort.close() : parentPort.postMessage(engine(request)))
  `
  // Read before each request: those that wait would each hold up the end, by a lock for seconds.
  const isOver = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(text, { eval: true, workerData: { library, isOver }, execArgv: [], name })
  const waiting: Waiting<Answer>[] = []
  let gone: Error | undefined
  const lose = (reason: Error): void => {
    gone ??= reason
    for (const one of waiting.splice(0)) one.reject(gone)
  }
  worker.on('message', (answer: Answer) => {
    waiting.shift()?.resolve(answer)
    // It holds the process only while somebody waits for it, or its end.
    if (waiting.length === 0 && gone === undefined) worker.unref()
  })
  worker.on('error', lose)
  worker.on('messageerror', lose)
  const ended = new Promise<void>((resolve) => {
    worker.on('exit', (code) => {
      lose(new Error(`The thread of the store ended with code ${code}`))
      resolve()
    })
  })
  const end = (): void => {
    lose(new Error('The store is closed'))
    // Neither terminated from here nor left to the end of the process (threads.ts).
    Atomics.store(isOver, 0, 1)
    worker.postMessage(undefined)
    worker.ref()
  }
  begun({ end, ended })
  worker.unref()
  return {
    ask: (request, handedOver) =>
      new Promise((resolve, reject) => {
        if (gone !== undefined) return reject(gone)
        waiting.push({ resolve, reject })
        worker.ref()
        worker.postMessage(request, handedOver ?? [])
      }),
    end,
  }
}

/** In place of a thread that may not begin any more. */
function exiting<Request, Answer>(): Asked<Request, Answer> {
  return { ask: () => Promise.reject(new Error('The process ends')), end: () => undefined }
}
