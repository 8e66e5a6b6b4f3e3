// The audit of a gateway under load while its thread ends, its disk is full or read-only, or its database is away: no answered call lacks its
// row, calls are refused by the rule of docs/audit.md meanwhile, and the chain goes on and is whole.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { indexRow } from '../../src/observe/audit/index-row.ts'
import { auditChainsDomain, createDurableAudit } from '../../src/platform/audit/durable.ts'
import { readSqliteAudit } from '../../src/platform/audit/sqlite.ts'
import { systemClock } from '../../src/platform/clock/system-clock.ts'
import { parsePostgresUrl } from '../../src/platform/store/postgres/address.ts'
import { createPostgresDurable } from '../../src/platform/store/postgres/durable.ts'
import { aReport } from '../doubles/gateway/samples.ts'
import { postgresPath, startPostgres } from '../peers/postgres.ts'
import { eventually } from '../peers/processes.ts'
import { root } from '../peers/servers.ts'
import { promise } from '../promises/promise.ts'
import { type Load, underLoad } from './trouble.ts'

const closers: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'signalbox-audit-trouble-'))
  closers.push(() => rmSync(made, { recursive: true, force: true }))
  return made
}

const inFile = (stateDir: string) => () => readSqliteAudit(join(stateDir, 'audit.db'))
const told = (load: Load, pattern: RegExp, times: number) =>
  eventually(() => (load.gateway.log().match(new RegExp(pattern, 'g')) ?? []).length >= times, 60_000)

promise(
  'R69',
  'its thread ends by an error, for want of memory and by itself: it is started anew each time, and nothing that was answered is missing',
  async () => {
    const stateDir = folder()
    const it = await underLoad(
      { stateDir },
      inFile(stateDir),
      async (load) => {
        expect(await told(load, /The audit is written again/, 3)).toBe(true)
        await load.more(100)
      },
      { NODE_OPTIONS: `--require ${join(root, 'test', 'audit', 'crash.cjs')}` },
    )
    expect([it.missing, it.lost, it.verdict.verdict, it.verdict.chains.length]).toEqual([0, 0, 'whole', 1])
    expect(it.answered).toBeGreaterThan(150)
    expect(it.faults.filter((kind) => kind !== 'store_unavailable')).toEqual([])
    expect(it.counted.unavailable).toBe(3)
    for (const reason of ['a bug in the thread', 'out of memory', 'ended with code 3']) expect(it.log).toContain(reason)
  },
  120_000,
)

/** A disk of its own, which only root can have. */
function disk(size: string): { readonly path: string; remount(options: string): void } | undefined {
  const path = folder()
  const mount = (...args: string[]): void => void execFileSync('mount', args, { stdio: 'pipe' })
  try {
    mount('-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path)
  } catch {
    return undefined
  }
  closers.push(() => void execFileSync('umount', ['-l', path], { stdio: 'pipe' }))
  return { path, remount: (options) => mount('-o', `remount,${options}`, path) }
}

describe.skipIf(process.getuid?.() !== 0)('of a disk', () => {
  promise(
    'R69',
    'that is full no call begins until there is room, and nothing that was answered is missing',
    async () => {
      const mounted = disk('2m')
      if (mounted === undefined) return
      const it = await underLoad({ stateDir: mounted.path }, inFile(mounted.path), async (load) => {
        await load.more(50)
        expect(await told(load, /The audit cannot be written/, 1)).toBe(true)
        await eventually(() => load.refused() > 50)
        mounted.remount('size=64m')
        expect(await told(load, /The audit is written again/, 1)).toBe(true)
        await load.more(100)
      })
      expect([it.missing, it.lost, it.verdict.verdict, it.verdict.chains.length]).toEqual([0, 0, 'whole', 1])
      expect(it.faults).toEqual(['store_unavailable'])
      expect(it.counted.full).toBeGreaterThan(0)
    },
    120_000,
  )

  test('that is read-only no call begins until it can be written, and nothing that was answered is missing', async () => {
    const mounted = disk('64m')
    if (mounted === undefined) return
    const config = { stateDir: mounted.path }
    await underLoad(config, inFile(mounted.path), ({ more }) => more(50))
    // While a file is open for writing the disk cannot be made so.
    mounted.remount('ro')
    const it = await underLoad(config, inFile(mounted.path), async (load) => {
      expect(await told(load, /The audit cannot be written/, 1)).toBe(true)
      await eventually(() => load.refused() > 50)
      expect(load.answered()).toBe(0)
      mounted.remount('rw')
      expect(await told(load, /The audit is written again/, 1)).toBe(true)
      await load.more(100)
    })
    expect([it.missing, it.lost, it.verdict.verdict, it.verdict.chains.length]).toEqual([0, 0, 'whole', 2])
    expect(it.faults).toEqual(['store_unavailable'])
  }, 120_000)
})

describe.skipIf(postgresPath === undefined)('of a database', () => {
  promise(
    'R69',
    'that goes away three times and comes back no answered call is missing, and the chain goes on',
    async () => {
      const server = await startPostgres(closers as (() => Promise<void>)[])
      const url = await server.database()
      const address = parsePostgresUrl(url)
      if (typeof address === 'string') throw new Error(address)
      const kept = () => {
        const durable = createPostgresDurable({
          address,
          domains: [auditChainsDomain],
          program: 'test',
          clock: systemClock,
          report: aReport().report,
          migrates: false,
        })
        closers.push(() => durable.close())
        return createDurableAudit({ durable, indexRow, clock: systemClock })
      }
      const it = await underLoad({ stores: { durable: url }, vault: { key: '9'.repeat(64) } }, kept, async (load) => {
        await load.more(50)
        for (const [times, away] of (['kill', 'stop', 'kill'] as const).entries()) {
          await server[away]()
          expect(await told(load, /The audit cannot be written/, times + 1)).toBe(true)
          await server.restart()
          expect(await told(load, /The audit is written again/, times + 1)).toBe(true)
          await load.more(50)
        }
        // Connections that are cut while it is there.
        await server.terminate(url)
        await load.more(100)
      })
      expect([it.missing, it.lost, it.verdict.verdict, it.verdict.chains.length]).toEqual([0, 0, 'whole', 1])
      expect(it.faults).toEqual(['store_unavailable'])
      expect(it.counted.unavailable).toBeGreaterThan(2)
    },
    120_000,
  )
})
