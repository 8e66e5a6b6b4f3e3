// The list of everything that waits (docs/operations.md) is what the code has: each bound stands where it is said to, each metric exists, and
// no queue of the code is missing.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { settingsSchema } from '../src/assembly/settings.ts'
import { root } from './peers/servers.ts'

const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const section = /## What waits, and how much of it\n([\s\S]*?)\n#{2,3} /.exec(read('docs/operations.md'))?.[1] ?? ''
const rows = [...section.matchAll(/^\| (.+) \| ([\d_]+) \| (.+) \| (.+) \| (.+) \|$/gm)].map(
  ([, what = '', most = '', , told = '', where = '']) => ({
    what,
    most: Number(most.replaceAll('_', '')),
    told,
    where,
  }),
)
const metrics = read('docs/metrics.md')
const settings = settingsSchema.parse({ servers: {} }) as unknown as Readonly<Record<string, Readonly<Record<string, unknown>>>>

describe('what waits', () => {
  test('is listed', () => expect(rows.length).toBeGreaterThan(20))

  test.each(rows)('$what: the bound stands in the code', ({ most, where }) => {
    const [, file, name] = /^`(src\/[^`]+)` `(\w+)`$/.exec(where) ?? []
    if (file !== undefined) {
      const found = new RegExp(`\\b${name}(?: =|:) ([\\d_]+)`).exec(read(file)) ?? new RegExp(`\\b${name} = ([\\d_]+)`).exec(read(file))
      expect(Number(found?.[1]?.replaceAll('_', ''))).toBe(most)
      return
    }
    const [, room = '', key = ''] = /^`(\w+)\.(\w+)`$/.exec(where) ?? []
    const value = settings[room]?.[key]
    expect(room).not.toBe('')
    if (typeof value === 'number') expect(value).toBe(most)
  })

  test.each(rows)('$what: what tells of it exists', ({ told }) => {
    for (const [, metric] of told.matchAll(/`(signalbox_\w+)`/g)) expect(metrics).toContain(`\`${metric}\``)
    expect(told.includes('signalbox_') || told.includes('log')).toBe(true)
  })

  test('lacks no queue of the code', () => {
    const files = (readdirSync(join(root, 'src'), { recursive: true }) as string[]).filter(
      (file) =>
        file.endsWith('.ts') &&
        !file.endsWith('.test.ts') &&
        /^(?:export )?const (?:mostWaiting|mostQueued|mostWaitingRows|mostHeld|mostChecking) = /m.test(read(join('src', file))),
    )
    // Lines and measurements that are made together, and leave with the turn.
    const batches = new Set(['observe/metrics/metrics.ts'])
    expect(files.filter((file) => !batches.has(file) && !section.includes(`src/${file}`))).toEqual([])
  })
})
