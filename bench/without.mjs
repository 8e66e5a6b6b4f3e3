// A copy of the build in which parts that the assembly puts together are left out (stages of the pipeline), so that a part of the product that
// has no switch can be compared with its absence. The copy lies in the checkout, where its dependencies are found.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')

/** `stages`: their names in the table of stages, or in what another file of the assembly makes, each in one line. The path of the copy's `dist`. */
export function buildWithout(stages, of = 'gateway.js') {
  const assembly = join('dist', 'assembly', of)
  const copy = mkdtempSync(join(root, '.bench-'))
  process.on('exit', () => rmSync(copy, { recursive: true, force: true }))
  for (const part of ['dist', 'package.json']) cpSync(join(root, part), join(copy, part), { recursive: true })
  const file = join(copy, assembly)
  let text = readFileSync(file, 'utf8')
  for (const stage of stages) {
    const line = new RegExp(`^( *${stage}): .*,$`, 'm')
    if (!line.test(text)) throw new Error(`There is no ${stage} in ${assembly}`)
    text = text.replace(line, '$1: undefined,')
  }
  writeFileSync(file, text)
  return join(copy, 'dist')
}
