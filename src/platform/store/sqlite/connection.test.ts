import { execFileSync, spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { describe, expect, it } from 'vitest'
import { inProcess, inThread } from './connection.ts'
import { createEngine } from './engine.ts'

const memory = { op: 'open', file: ':memory:', busyMs: 1 } as const

describe.each([
  ['in a thread', inThread],
  ['in this thread', inProcess],
])('the engine %s', (_where, connect) => {
  it('answers each request in its order, errors too', async () => {
    const connection = connect()
    const answers = await Promise.all([
      connection.ask(memory),
      connection.ask({ op: 'exec', sql: 'CREATE TABLE t (a TEXT PRIMARY KEY)' }),
      connection.ask({ op: 'each', sql: 'INSERT INTO t VALUES (?)', rows: [['x'], ['y']] }),
      connection.ask({ op: 'each', sql: 'INSERT INTO t VALUES (?)', rows: [['x']] }),
      connection.ask({ op: 'all', sql: 'SELECT a FROM t WHERE a > ?', params: ['x'] }),
      connection.ask({ op: 'close' }),
      connection.ask({ op: 'exec', sql: 'SELECT 1' }),
    ])
    expect(answers[2]).toEqual({ value: 2 })
    expect(answers[3]).toMatchObject({ error: { code: 19 } })
    expect(answers[4]).toEqual({ value: [{ a: 'y' }] })
    expect(answers[6]).toMatchObject({ error: { code: undefined } })
    connection.end()
  })
})

describe('the thread of the engine', () => {
  it('that is gone leaves nobody waiting', async () => {
    const connection = inThread()
    await connection.ask(memory)
    const waiting = connection.ask({ op: 'all', sql: 'SELECT 1', params: [] })
    connection.end()
    await expect(waiting).rejects.toThrow('closed')
    await expect(connection.ask(memory)).rejects.toThrow('closed')
  })

  it('that is let go in the middle of a call ends after it, and takes nobody with it', () => {
    // In a process of its own: what is looked for ends one.
    const connection = JSON.stringify(new URL('../../../../dist/platform/store/sqlite/connection.js', import.meta.url).href)
    const program = `
      const { inThread } = await import(${connection})
      const rows = Array.from({ length: 20000 }, (_, n) => [n])
      for (let n = 0; n < 10; n += 1) {
        const busy = inThread()
        await busy.ask({ op: 'open', file: ':memory:', busyMs: 1 })
        await busy.ask({ op: 'exec', sql: 'CREATE TABLE t (a)' })
        const write = { op: 'each', sql: 'INSERT INTO t VALUES (?)', rows }
        const told = Array.from({ length: 3 }, () => busy.ask(write).catch((error) => error.message))
        await new Promise((resolve) => setImmediate(resolve))
        busy.end()
        console.log((await Promise.all(told)).join())
      }
      // The threads work on meanwhile: a new one answers.
      const next = inThread()
      for (let n = 0; n < 20; n += 1) await next.ask({ op: n === 0 ? 'open' : 'exec', file: ':memory:', busyMs: 1, sql: 'SELECT 1' })
      next.end()
    `
    const out = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })
    expect(out).toBe(`${'The store is closed,The store is closed,The store is closed\n'.repeat(10)}`)
  })

  it('ends before the process exits, in the middle of a call too, and no other begins', () => {
    const module = (name: string): string => JSON.stringify(new URL(`../../../../dist/platform/${name}`, import.meta.url).href)
    const program = `
      const { inThread } = await import(${module('store/sqlite/connection.js')})
      const { endThreads } = await import(${module('store/sqlite/threads.js')})
      const { systemClock } = await import(${module('clock/system-clock.js')})
      const rows = Array.from({ length: 20000 }, (_, n) => [n])
      const busy = Array.from({ length: 2 }, () => inThread())
      for (const one of busy) {
        await one.ask({ op: 'open', file: ':memory:', busyMs: 1 })
        await one.ask({ op: 'exec', sql: 'CREATE TABLE t (a)' })
      }
      const write = { op: 'each', sql: 'INSERT INTO t VALUES (?)', rows }
      const told = busy.flatMap((one) => Array.from({ length: 4 }, () => one.ask(write).catch((error) => error.message)))
      await new Promise((resolve) => setImmediate(resolve))
      let fire
      const late = endThreads({ timer: (_ms, fired) => ((fire = fired), { cancel: () => undefined }) }, 1)
      fire()
      console.log(await late, await endThreads(systemClock, 60000), await endThreads(systemClock, 1))
      // Some may have been done before.
      console.log([...new Set(await Promise.all(told))].filter((one) => typeof one === 'string').join())
      console.log(await inThread().ask({ op: 'exec', sql: 'SELECT 1' }).catch((error) => error.message))
      process.exit(7)
    `
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })
    expect(stdout, stderr).toBe('false true true\nThe store is closed\nThe process ends\n')
    expect(status).toBe(7)
  })

  it('is given the text of the engine, which stands by itself', () => {
    const library = createRequire(import.meta.url).resolve('@photostructure/sqlite')
    const program = `
      const engine = (${createEngine.toString()})(require(${JSON.stringify(library)}))
      console.log(JSON.stringify([engine({ op: 'open', file: ':memory:', busyMs: 1 }), engine({ op: 'all', sql: 'SELECT 1 AS a', params: [] })]))
    `
    expect(JSON.parse(execFileSync(process.execPath, ['-e', program], { encoding: 'utf8' }))).toEqual([{}, { value: [{ a: 1 }] }])
  })
})
