// A copy of the build in which stages of the pipeline are left out, so that a part of the product that has no switch can be compared with
// its absence. The copy lies in the checkout, where its dependencies are found.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const assembly = join('dist', 'assembly', 'gateway.js')

/** `stages`: their names in the table of stages, each made in one line. The path of the copy's `dist`. */
export function buildWithout(stages) {
  const copy = mkdtempSync(join(root, '.bench-'))
  process.on('exit', () => rmSync(copy, { recursive: true, force: true }))
  for (const part of ['dist', 'package.json']) cpSync(join(root, part), join(copy, part), { recursive: true })
  const file = join(copy, assembly)
  let text = readFileSync(file, 'utf8')
  for (const stage of stages) {
    const line = new RegExp(`^( *${stage}): .*,$`, 'm')
    if (!line.test(text)) throw new Error(`There is no stage ${stage} in ${assembly}`)
    text = text.replace(line, '$1: undefined,')
  }
  writeFileSync(file, text)
  return join(copy, 'dist')
}
