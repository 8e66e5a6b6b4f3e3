import { EventEmitter } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { type Read, readBody } from './body.ts'

/** Lets the collector take what nobody holds. A WeakRef keeps its target until the turn ends. */
async function collect(): Promise<void> {
  setFlagsFromString('--expose-gc')
  await new Promise((resolve) => setImmediate(resolve))
  ;(runInNewContext('gc') as () => void)()
}

function aRequest(limit: number): { req: EventEmitter; read: () => Read | undefined } {
  const req = Object.assign(new EventEmitter(), { headers: {}, httpVersion: '1.1', resume: () => {} })
  let read: Read | undefined
  readBody(req as unknown as IncomingMessage, limit, (done) => {
    read = done
  })
  return { req, read: () => read }
}

describe('a body that comes byte by byte', () => {
  it('is held as bytes and not as an object a byte', async () => {
    const { req, read } = aRequest(1_000)
    const chunks: WeakRef<Buffer>[] = []
    for (let i = 0; i < 500; i += 1) {
      const chunk = Buffer.from([0x30 + (i % 10)])
      chunks.push(new WeakRef(chunk))
      req.emit('data', chunk)
    }
    await collect()
    expect(chunks.filter((chunk) => chunk.deref() !== undefined).length).toBeLessThan(5)
    req.emit('end')
    expect(read()).toEqual({ body: Buffer.from('0123456789'.repeat(50)) })
  })

  it('is let go at once where it is too large', async () => {
    const { req, read } = aRequest(100_000)
    const chunks: WeakRef<Buffer>[] = []
    for (let i = 0; i < 11; i += 1) {
      const chunk = Buffer.alloc(10_000)
      chunks.push(new WeakRef(chunk))
      req.emit('data', chunk)
    }
    await collect()
    expect(read()).toHaveProperty('fault.kind', 'body_too_large')
    expect(chunks.filter((chunk) => chunk.deref() !== undefined).length).toBeLessThan(2)
  })
})
