// What `deploy/` holds is judged by the programs that read it: promtool of Debian's package prometheus. Where there is none, that is skipped.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { promtool } from './peers/prometheus.ts'
import { root } from './peers/servers.ts'

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly alert?: string
      readonly labels?: { severity: string }
      readonly annotations?: Record<string, string>
    }[]
  }[]
}

const folder = join(root, 'deploy', 'prometheus')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const alerts = (parse(read('deploy/prometheus/signalbox.rules.yaml')) as Rules).groups
  .flatMap(({ rules }) => rules)
  .filter(({ alert }) => alert !== undefined)

describe('the alert rules for Prometheus', () => {
  it.skipIf(promtool === undefined).each([
    ['check', 'rules', 'signalbox.rules.yaml'],
    ['check', 'config', 'prometheus.yaml'],
    ['test', 'rules', 'signalbox.rules.test.yaml'],
  ])('pass promtool %s %s', (...args) => {
    const { status, stdout, stderr } = spawnSync(promtool ?? '', args, { cwd: folder, encoding: 'utf8', timeout: 60_000 })
    expect({ status, said: status === 0 ? '' : stdout + stderr }).toEqual({ status: 0, said: '' })
  })

  it('each have a test that they speak, and an entry in the runbook', () => {
    const tests = read('deploy/prometheus/signalbox.rules.test.yaml')
    const headings = [...read('docs/runbook.md').matchAll(/^## (\S+)$/gm)].map(([, name]) => name)
    const names = alerts.map(({ alert }) => alert)
    expect(headings).toEqual(names)
    for (const { alert = '', labels, annotations } of alerts) {
      expect(annotations?.runbook).toBe(`docs/runbook.md#${alert.toLowerCase()}`)
      expect(['critical', 'warning', 'info']).toContain(labels?.severity)
      const spoken = new RegExp(`alertname: ${alert}\\n +eval_time: \\S+\\n +exp_alerts:\\n`).test(tests)
      expect([alert, spoken]).toEqual([alert, true])
    }
  })

  it('name metrics that there are', () => {
    const known = new Set(
      [...read('docs/metrics.md').matchAll(/^\| `(\w+)` \| (\w+)/gm)].flatMap(([, name = '', type]) => series(name, type)),
    )
    const text = read('deploy/prometheus/signalbox.rules.yaml')
    const named = [...text.matchAll(/\b(?:signalbox|mcp)_\w+/g)].map(([name]) => name)
    expect(named.length).toBeGreaterThan(20)
    expect(named.filter((name) => !known.has(name))).toEqual([])
  })
})

function series(name: string, type: string | undefined): readonly string[] {
  return type === 'histogram' ? ['bucket', 'sum', 'count'].map((part) => `${name}_${part}`) : [name]
}
