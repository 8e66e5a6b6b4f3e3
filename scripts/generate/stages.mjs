// The stage table of docs/architecture.md: names and order from the table itself, reasons from the comments beside its lines.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../set-up.mjs'

const start = '<!-- stages -->'
const end = '<!-- /stages -->'

/** The page with the table between its marks. `load` imports from dist/. */
export async function architecturePage(load) {
  const { pipeline } = await load('gateway/pipeline.js')
  const page = readFileSync(join(root, 'docs', 'architecture.md'), 'utf8')
  const [before, rest] = page.split(start)
  const after = rest?.split(end)[1]
  if (after === undefined) throw new Error(`docs/architecture.md has no ${start} … ${end}`)
  const { order } = pipeline(new Proxy({}, { get: (_, name) => ({ name, run: async () => undefined }) }))
  return `${before}${start}\n${table(order, reasons())}\n${end}${after}`
}

function table(order, why) {
  const families = Object.keys(order)
  const ends = new Set(families.map((family) => order[family].at(-1)))
  const stages = [...new Set(families.flatMap((family) => order[family]))].filter((name) => !ends.has(name))
  const columns = stages.sort((a, b) => place(order, a) - place(order, b))
  const row = (cells) => `| ${cells.join(' | ')} |`
  return [
    row(['stage', ...families, 'why there']),
    row(['---', ...families.map(() => ':-:'), '---']),
    ...columns.map((name) =>
      row([`\`${name}\``, ...families.map((family) => (order[family].includes(name) ? '●' : '')), why.get(name) ?? '']),
    ),
    row(['ends at', ...families.map((family) => `\`${order[family].at(-1)}\``), '']),
  ].join('\n')
}

/** `target` stands in for `resolve` where a call has no item. */
function place(order, name) {
  return name === 'target' ? order.invoke.indexOf('resolve') + 0.5 : order.invoke.indexOf(name)
}

function reasons() {
  const source = readFileSync(join(root, 'src', 'gateway', 'pipeline.ts'), 'utf8')
  const lines = source.matchAll(/\.(?:pass|step)\((\w+)\) \/\/ (.+)/g)
  return new Map([...lines].map(([, name, reason]) => [name, reason.trim()]))
}
