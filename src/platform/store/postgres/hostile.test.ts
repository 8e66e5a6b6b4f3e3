// Servers that are no PostgreSQL, or one at its worst: each operation ends with a value in time, nothing is thrown out of a listener, and
// once a good server is there the same store works.
import { connect, createServer, type Server, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type PostgresServer, postgresPath, startPostgres } from '../../../../test/peers/postgres.ts'
import { eventually } from '../../../../test/peers/processes.ts'
import fc from '../../../../test/property.ts'
import type { Domain, Durable } from '../../../core/ports/durable.ts'
import { systemClock } from '../../clock/system-clock.ts'
import { parsePostgresUrl } from './address.ts'
import { createPostgresDurable } from './durable.ts'
import { FrameCheck } from './frame-check.ts'

const notes: Domain = {
  name: 'notes',
  migrations: [{ what: 'notes', statements: ['CREATE TABLE notes (tenant TEXT, name TEXT, PRIMARY KEY (tenant, name))'] }],
}

const message = (code: string, ...body: (string | number[])[]): Buffer => {
  const bytes = Buffer.concat(body.map((part) => Buffer.from(part as string)))
  const head = Buffer.alloc(5)
  head.write(code)
  head.writeUInt32BE(bytes.length + 4, 1)
  return Buffer.concat([head, bytes])
}
const letIn = Buffer.concat([message('R', [0, 0, 0, 0]), message('Z', 'I')])
const hugeHead = Buffer.from([0x44, 0xff, 0xff, 0xff, 0xff])

/** What a server says to the first bytes of a client; `'end'` closes, undefined is silence. */
type Says = Buffer | 'end' | undefined

const first: readonly (readonly [string, Says])[] = [
  ['is silent', undefined],
  ['closes at once', 'end'],
  ['speaks HTTP', Buffer.from('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n')],
  ['sends an error without an end', message('E', 'SERROR')],
  ['sends an error without a byte', message('E')],
  ['sends an error with half a field', message('E', 'M', 'what', [0])],
  ['sends a message of 4 GB', hugeHead],
  ['sends a message that is shorter than its length', Buffer.from([0x5a, 0, 0, 0, 1])],
  ['asks for a way to sign in that nobody knows', message('R', [0, 0, 0, 99])],
  ['offers ways to sign in that nobody knows', message('R', [0, 0, 0, 10], 'NONE', [0, 0])],
  ['goes on with a sign-in that nobody began', message('R', [0, 0, 0, 11], 'r=x,s=x,i=1')],
  ['sends rows before anybody asked', Buffer.concat([message('R', [0, 0, 0, 0]), message('D', [0, 1, 0, 0, 0, 1], 'x')])],
  ['refuses in its own words', message('E', 'SFATAL', [0], 'C53300', [0], 'Msorry, too many clients already', [0, 0])],
]
const then: readonly (readonly [string, Says])[] = [
  ['is silent after the sign-in', undefined],
  ['closes after the sign-in', 'end'],
  ['answers with garbage', Buffer.from('\u0000\u0001\u0002garbage')],
  ['answers with a row without columns', message('D', [0, 1, 0, 0, 0, 1], 'x')],
  ['answers with a row of -1 columns', message('D', [0xff, 0xff])],
  ['answers with columns that end early', message('T', [0, 9], 'a')],
  ['answers a copy that nobody asked for', Buffer.concat([message('G', [0, 0, 0]), message('Z', 'I')])],
  ['answers with nothing', message('Z', 'I')],
  ['answers with an error without an end', message('E', 'SERROR', [0], 'C42601')],
]

const closers: (() => Promise<void>)[] = []
const own: (() => Promise<unknown>)[] = []
let real: PostgresServer

/** A server of which each connection is told what it says. */
async function listening(serve: (socket: Socket) => void): Promise<{ readonly port: number; serve: (socket: Socket) => void }> {
  const at = { port: 0, serve }
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
    at.serve(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  at.port = (server.address() as { port: number }).port
  own.push(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return at
}

function saying(...lines: readonly Says[]) {
  return (socket: Socket): void => {
    const left = [...lines]
    socket.on('data', () => {
      const next = left.shift()
      if (next === 'end') socket.destroy()
      else if (next !== undefined) socket.write(next)
    })
  }
}

/** To the real server and back; `change` sees what the server says. */
function through(change: (chunk: Buffer) => Buffer) {
  return (socket: Socket): void => {
    const behind = connect(real.port, '127.0.0.1')
    behind.on('error', () => socket.destroy())
    behind.on('close', () => socket.destroy())
    socket.on('close', () => behind.destroy())
    socket.pipe(behind)
    behind.on('data', (chunk) => void socket.write(change(chunk)))
  }
}

function open(url: string, port: number, logged: string[] = []): Durable {
  const address = parsePostgresUrl(url)
  if (typeof address === 'string') throw new Error(address)
  const store = createPostgresDurable({
    address: { ...address, port },
    domains: [notes],
    migrates: true,
    program: '1',
    clock: systemClock,
    report: { log: (_severity, event) => void logged.push(event), counters: { add: () => undefined } },
    limits: { pauseMs: 0, connectMs: 250, stepMs: 250, lockMs: 200 },
  })
  own.push(() => store.close())
  return store
}

const add = (store: Durable, name: string) =>
  store.transact((tx) => tx.run('INSERT INTO notes (tenant, name) VALUES (?, ?) ON CONFLICT DO NOTHING', ['acme', name]))

describe.skipIf(postgresPath === undefined)('a database that is hostile', { timeout: 60_000 }, () => {
  beforeAll(async () => {
    real = await startPostgres(closers)
  }, 60_000)
  afterEach(async () => {
    for (const close of own.splice(0).reverse()) await close()
  })
  afterAll(async () => {
    for (const close of closers.reverse()) await close()
  })

  it.each([...first.map(([what, says]) => [what, [says]] as const), ...then.map(([what, says]) => [what, [letIn, says]] as const)])(
    'that %s: a value, and it works once a good one is there',
    async (_what, lines) => {
      const at = await listening(saying(...lines))
      const store = open(await real.database(), at.port)
      expect(await add(store, 'a')).toMatchObject({ ok: false, fault: { kind: 'unavailable' } })
      expect(await store.read((reader) => reader.all('SELECT 1'))).toMatchObject({ ok: false, fault: { kind: 'unavailable' } })
      expect(store.trouble()?.kind).toBe('unavailable')
      at.serve = through((chunk) => chunk)
      expect(await eventually(async () => (await add(store, 'b')).ok)).toBe(true)
      expect(store.trouble()).toBeUndefined()
    },
  )

  it('that says garbage while nobody asks: the next operation has another connection', async () => {
    let there: Socket | undefined
    const at = await listening((socket) => {
      there = socket
      through((chunk) => chunk)(socket)
    })
    const store = open(await real.database(), at.port)
    expect((await add(store, 'a')).ok).toBe(true)
    there?.write('no message at all')
    expect(await eventually(async () => (await add(store, 'b')).ok)).toBe(true)
  })

  it('that changes bytes at random: nothing but values, and it works once it is left alone', async () => {
    const url = await real.database()
    const at = await listening(through((chunk) => chunk))
    const store = open(url, at.port)
    expect((await add(store, 'a')).ok).toBe(true)
    await fc.assert(
      fc.asyncProperty(fc.nat(600), fc.nat(255), async (place, value) => {
        let seen = 0
        at.serve = through((chunk) => {
          const begin = seen
          seen += chunk.length
          if (place < begin || place >= seen) return chunk
          const changed = Buffer.from(chunk)
          changed[place - begin] = value
          return changed
        })
        // A connection of before is no longer there.
        await real.terminate(url)
        await add(store, 'b')
        await store.read((reader) => reader.all('SELECT * FROM notes'))
        await add(store, 'c')
      }),
      { numRuns: 60 },
    )
    at.serve = through((chunk) => chunk)
    await real.terminate(url)
    expect(await eventually(async () => (await add(store, 'd')).ok)).toBe(true)
  })

  it('that is silent at the end: the store closes in time', async () => {
    const at = await listening(through((chunk) => chunk))
    const store = open(await real.database(), at.port)
    await add(store, 'a')
    const silent = await listening(saying())
    const other = open(await real.database(), silent.port)
    const waiting = add(other, 'a')
    await Promise.all([store.close(), other.close()])
    expect(await waiting).toMatchObject({ ok: false })
  })
})

describe('the check of frames', () => {
  it('comes to the same end however the bytes are cut', () => {
    const good = Buffer.concat([letIn, message('E', 'SERROR', [0], 'C42601', [0, 0]), message('N', [0]), message('I'), message('Z', 'I')])
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), fc.boolean(), (sizes, broken) => {
        const bytes = broken ? Buffer.concat([good, message('E', 'SERROR')]) : good
        const check = new FrameCheck()
        const said: unknown[] = []
        for (let at = 0, i = 0; at < bytes.length; i += 1) {
          const size = sizes[i % sizes.length] as number
          said.push(check.next(bytes.subarray(at, at + size)))
          at += size
        }
        expect(said.filter((one) => one !== undefined)).toEqual(broken ? ['a message of it has no end'] : [])
      }),
    )
  })
})
