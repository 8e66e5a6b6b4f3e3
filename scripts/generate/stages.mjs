// The stage table of docs/architecture.md, from the registrations in src/gateway/pipeline.ts.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../set-up.mjs'

const start = '<!-- stages -->'
const end = '<!-- /stages -->'

/** The page with the table between its marks. `load` imports from dist/. */
export async function architecturePage(load) {
  const { pipeline } = await load('gateway/pipeline.js')
  const { everyFamily } = await load('core/call/stage.js')
  const page = readFileSync(join(root, 'docs', 'architecture.md'), 'utf8')
  const [before, rest] = page.split(start)
  const after = rest?.split(end)[1]
  if (after === undefined) throw new Error(`docs/architecture.md has no ${start} … ${end}`)
  const { registrations } = pipeline(new Proxy({}, { get: (_, name) => ({ name, run: async () => undefined }) }))
  return `${before}${start}\n${table(registrations, everyFamily)}\n${end}${after}`
}

function table(registrations, families) {
  const row = (cells) => `| ${cells.join(' | ')} |`
  const passed = ({ families: own }, mark) => families.map((family) => (own.includes(family) ? mark : ''))
  return [
    row(['stage', ...families, 'why there']),
    row(['---', ...families.map(() => ':-:'), '---']),
    ...registrations.map((one) => row([`\`${one.name}\``, ...passed(one, one.terminal ? '■' : '●'), one.reason])),
  ].join('\n')
}
