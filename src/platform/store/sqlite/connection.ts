// The way to an engine: in a thread for a file, since a disk, a lock or a checkpoint may hold it for long; in this thread for memory.
import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import { createEngine, type EngineAnswer, type EngineRequest } from './engine.ts'

/** One answer for each request, in their order. */
export interface Asked<Request, Answer> {
  /** Rejects where the engine is gone. `handedOver`: buffers of the request that nobody needs here any more. */
  ask(request: Request, handedOver?: readonly ArrayBuffer[]): Promise<Answer>
  /** Lets go of it, whatever it does: what waits is told at once, and its thread ends after the call that it is in. */
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
  const library = createRequire(import.meta.url).resolve('@photostructure/sqlite')
  const text = `
    const { parentPort, workerData } = require('node:worker_threads')
    const sqlite = require(workerData)
    const engine = ${engine}
    parentPort.on('message', (request) => request === 'end' ? parentPort.close() : parentPort.postMessage(engine(request)))
  `
  const worker = new Worker(text, { eval: true, workerData: library, execArgv: [], name })
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
  worker.on('exit', (code) => lose(new Error(`The thread of the store ended with code ${code}`)))
  worker.unref()
  return {
    ask: (request, handedOver) =>
      new Promise((resolve, reject) => {
        if (gone !== undefined) return reject(gone)
        waiting.push({ resolve, reject })
        worker.ref()
        worker.postMessage(request, handedOver ?? [])
      }),
    end: () => {
      lose(new Error('The store is closed'))
      // Neither terminated from here nor left to the end of the process: in the middle of a call the library would take all of it along, by an
      // error of its own that nothing can catch.
      worker.postMessage('end')
      worker.ref()
    },
  }
}
