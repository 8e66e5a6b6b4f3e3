// The table of addresses of docs/admin-api.md, from the OpenAPI document of the admin door.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../set-up.mjs'

const start = '<!-- addresses -->'
const end = '<!-- /addresses -->'

/** The page with the table between its marks. */
export function adminApiPage(document) {
  const page = readFileSync(join(root, 'docs', 'admin-api.md'), 'utf8')
  const [before, rest] = page.split(start)
  const after = rest?.split(end)[1]
  if (after === undefined) throw new Error(`docs/admin-api.md has no ${start} … ${end}`)
  return `${before}${start}\n${table(document)}\n${end}${after}`
}

function table({ paths }) {
  const rows = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(
      ([method, operation]) => `| \`${method.toUpperCase()} ${path}\` | ${operation['x-role']} | ${operation.summary} |`,
    ),
  )
  return ['| Address | Role | What it is |', '|---|---|---|', ...rows].join('\n')
}
