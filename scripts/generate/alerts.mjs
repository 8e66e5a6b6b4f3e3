// The kinds of alerts with their runbook, in docs/alerts.md, from src/observe/alerts/kinds.ts.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../set-up.mjs'

const start = '<!-- kinds -->'
const end = '<!-- /kinds -->'

/** The page with the kinds between its marks. `load` imports from dist/. */
export async function alertsPage(load) {
  const { kindsOfAlerts } = await load('observe/index.js')
  const { inWords } = await load('core/text/duration.js')
  const page = readFileSync(join(root, 'docs', 'alerts.md'), 'utf8')
  const [before, rest] = page.split(start)
  const after = rest?.split(end)[1]
  if (after === undefined) throw new Error(`docs/alerts.md has no ${start} … ${end}`)
  const lasts = (ms) => (ms === 0 ? 'at once' : `after ${inWords(ms)}`)
  const entries = Object.entries(kindsOfAlerts).map(
    ([kind, { severity, forMs, clearMs, what, runbook }]) =>
      `### ${kind}\n${what} (\`${severity}\`, ${lasts(forMs)}; over ${lasts(clearMs)})\n\n${runbook}\n`,
  )
  return `${before}${start}\n${entries.join('\n')}${end}${after}`
}
