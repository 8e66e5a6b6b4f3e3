// Judges what really changed: the tools of published versions of npm servers, each step from one release to the next, and writes
// docs/drift.md. The answers are kept in a folder (`--keep DIR`), so that judging again installs nothing.
import { readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { judgeStep } from './drift/judged.mjs'
import { servers } from './drift/servers.mjs'
import { toolsOf } from './drift/tool-lists.mjs'

const at = process.argv.indexOf('--keep')
const folder = at === -1 ? join(tmpdir(), 'signalbox-drift-lists') : process.argv[at + 1]

const rows = []
const stops = []
const missing = []
for (const server of servers) {
  let before
  const row = { server: server.package, versions: 0, steps: [] }
  for (const version of server.versions) {
    const { tools, error } = await toolsOf(server, version, folder)
    if (tools === undefined) {
      missing.push(`${server.package} ${version}: ${error}`)
      continue
    }
    row.versions += 1
    row.last = version
    row.first ??= version
    if (before !== undefined) {
      const step = judgeStep(before.tools, tools)
      row.steps.push(step)
      stops.push({ server: server.package, from: before.version, to: version, step })
    }
    before = { version, tools }
  }
  rows.push(row)
  console.error(`${server.package}: ${row.versions} versions`)
}

const sum = (steps, of) => steps.reduce((total, step) => total + of(step), 0)
const artefact = (one) => one.isEmptied || one.wasEmpty
const columns = [
  ['identical', (s) => s.identical],
  ['same', (s) => s.same],
  ['additive', (s) => s.additive],
  ['behavioural', (s) => s.behavioural],
  ['breaking', (s) => s.breaking.filter((one) => !artefact(one)).length],
  ['emptied', (s) => s.breaking.filter(artefact).length],
  ['texts held', (s) => s.held.length && new Set(s.held.map(({ tool }) => tool)).size],
  ['gone', (s) => s.gone.length],
  ['renamed', (s) => s.renamed.length],
  ['new', (s) => s.new],
]

const cells = (...values) => `| ${values.join(' | ')} |`
const all = rows.flatMap(({ steps }) => steps)
const table = [
  cells('server', 'versions', 'steps', ...columns.map(([name]) => name)),
  `|---|${'--:|'.repeat(columns.length + 2)}`,
  ...rows.map(({ server, versions, first, last, steps }) =>
    cells(`\`${server}\` ${first} to ${last}`, versions, steps.length, ...columns.map(([, of]) => sum(steps, of))),
  ),
  cells(
    'all',
    sum(rows, ({ versions }) => versions),
    all.length,
    ...columns.map(([, of]) => sum(all, of)),
  ),
]

/** Equal reasons of several tools are one line. */
function reasons(step) {
  const byReason = new Map()
  for (const { tool, why, adapter, ...one } of step.breaking) {
    if (artefact(one)) continue
    const text = `${why}${adapter === undefined ? '' : ' (adapter)'}`
    byReason.set(text, [...(byReason.get(text) ?? []), tool])
  }
  return [...byReason].map(([why, tools]) => `${why.replaceAll('|', '\\|')}: ${named(tools)}`)
}

const mostNamed = 4
function named(tools) {
  const names = tools.slice(0, mostNamed).map((tool) => `\`${tool}\``)
  return tools.length > mostNamed ? `${names.join(', ')} and ${tools.length - mostNamed} more` : names.join(', ')
}

const stopped = stops.flatMap(({ server, from, to, step }) => {
  const lines = reasons(step)
  const emptied = step.breaking.filter(artefact)
  if (emptied.length > 0)
    lines.push(`the whole schema ${emptied[0].isEmptied ? 'went' : 'came back'}: ${named(emptied.map(({ tool }) => tool))}`)
  for (const { tool, rule, sentence } of step.held)
    lines.push(`held, \`${rule}\` (\`${tool}\`): “${sentence.slice(0, 120).replace(/[|\n]/g, ' ')}”`)
  if (step.renamed.length > 0)
    lines.push(
      `renamed: ${step.renamed
        .slice(0, mostNamed)
        .map((one) => `\`${one}\``)
        .join(', ')}${step.renamed.length > mostNamed ? ` and ${step.renamed.length - mostNamed} more` : ''}`,
    )
  if (step.gone.length > 0) lines.push(`gone: ${named(step.gone)}`)
  return lines.length === 0 ? [] : [cells(`\`${server}\``, `${from} → ${to}`, lines.join('<br>'))]
})

const broken = all.flatMap(({ breaking }) => breaking)
const real = broken.filter((one) => !artefact(one))
const differing = all.reduce((total, s) => total + s.same + s.additive + s.behavioural + s.breaking.length, 0)
const figures = [
  `${all.length} steps between ${sum(rows, ({ versions }) => versions)} versions; ${sum(all, ({ identical }) => identical) + differing} tools that stand in both versions of a step, ${differing} of which differ in bytes.`,
  `A digest over name, description and schemas would stop each of the ${differing - sum(all, ({ same }) => same)} that do not mean the same; ${real.length} are stopped here for what they break, ${real.filter(({ example }) => example).length} of them with arguments or a result as an example, and ${broken.length - real.length} for a schema that says nothing. Of the ${real.length}, ${real.filter(({ adapter }) => adapter !== undefined).length} have an adapter that is proved.`,
  `${sum(all, ({ prose }) => prose)} tools have other words; those of ${sum(all, columns[6][1])} are held. ${sum(all, ({ spent }) => spent)} judgements came to no end.`,
  ...(missing.length === 0 ? [] : [`Could not be asked: ${missing.join('; ')}.`]),
]
const part = [
  ...figures.flatMap((line) => [line, '']),
  ...table,
  '',
  '## What stopped, and why',
  '',
  cells('server', 'step', 'why'),
  '|---|---|---|',
  ...stopped,
  '',
]

const page = new URL('../docs/drift.md', import.meta.url)
writeFileSync(
  page,
  readFileSync(page, 'utf8').replace(
    /(<!-- figures -->\n)[\s\S]*(<!-- \/figures -->)/,
    (_, head, tail) => `${head}${part.join('\n')}${tail}`,
  ),
)
console.log(table.join('\n'))
