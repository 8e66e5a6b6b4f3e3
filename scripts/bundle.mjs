// `node scripts/bundle.mjs FOLDER`: joins the modules of a build and of the packages that they use into a few files, `FOLDER/bundle`, and makes
// `FOLDER/main.js` start those (docs/adr/0053-one-bundle.md). The modules stay beside it for scripts and benchmarks that use single ones.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { rolldown } from 'rolldown'
import { isExternal } from './package/external.mjs'

const folder = process.argv[2]
const unresolved = []
const build = await rolldown({
  input: { main: join(folder, 'main.js'), 'contract-worker': join(folder, 'assembly', 'contract-worker.js') },
  platform: 'node',
  external: isExternal,
  // A dependency of the authorization server reads a function's name by `eval`, where it was always told one.
  checks: { eval: false },
  onLog: (level, log, tell) => {
    if (log.code === 'UNRESOLVED_IMPORT') unresolved.push(log.message)
    else tell(level, log)
  },
})
const { output } = await build.write({
  dir: join(folder, 'bundle'),
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: '[name]-[hash].js',
})
await build.close()
if (unresolved.length > 0) throw new Error(`Not found by the bundler:\n${unresolved.join('\n')}`)

writeFileSync(join(folder, 'bundle', 'licences.txt'), licencesOf(output.flatMap(({ moduleIds = [] }) => moduleIds)))
const [first] = readFileSync(join(folder, 'main.js'), 'utf8').split('\n')
writeFileSync(join(folder, 'main.js'), `${first}\nimport './bundle/main.js'\n`)

/** What is joined is copied, so the terms of its authors go with it. */
function licencesOf(modules) {
  const packages = new Set(modules.filter((id) => id.includes('/node_modules/')).map(packageOf))
  packages.delete(undefined)
  return [...packages]
    .sort()
    .map((path) => {
      const { name, version, license } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'))
      const texts = readdirSync(path).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file))
      return [`${name} ${version} (${license})`, ...texts.map((file) => readFileSync(join(path, file), 'utf8'))].join('\n\n')
    })
    .join('\n\n----------\n\n')
}

/** The folder of the package that a file belongs to; undefined of our own modules. */
function packageOf(id) {
  for (let path = dirname(id); /\/node_modules\/(?!\.)/.test(path); path = dirname(path)) {
    const manifest = join(path, 'package.json')
    if (existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).version !== undefined) return path
  }
  return undefined
}
