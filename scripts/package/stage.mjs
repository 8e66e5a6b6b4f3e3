// Lays out the package as it is published: what `files` of package.json names, with the bundle in place of single modules, and of the
// dependencies those that are not in the bundle, as package-lock.json has them, without what no program reads. They travel in the package
// (docs/adr/0050-what-is-published.md).
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, sep } from 'node:path'
import { root } from '../set-up.mjs'
import { keptPackages } from './external.mjs'

/** Folders of a package, directly below it, that no program reads. */
const idleFolders = new Set([
  'test',
  'tests',
  '__tests__',
  'benchmark',
  'benchmarks',
  'bench',
  'docs',
  'doc',
  'example',
  'examples',
  '.github',
])
/** Sources, types and maps beside what runs. */
const idleFiles = /\.(map|ts|cts|mts|c|cc|cpp|h|gyp|gypi|md|markdown|yml|snap|tsbuildinfo|tiktoken|flow)$/i
const licences = /^(licen[cs]e|notice|copying)/i

/** Paths below a package that are another form of what runs; a name that ends with `/` is a folder. */
const otherForms = [
  // Node.js takes build/src; these are for bundlers.
  { of: /^@opentelemetry\//, drop: /^build\/(esm|esnext)\// },
  // One vocabulary is asked for, by `require` (src/platform/tokens/thread.ts).
  { of: /^gpt-tokenizer$/, drop: /^(esm|src|data)\/|^cjs\/(fixtures|model)\/|^cjs\/(bpeRanks|encoding)\/(?!o200k_base\.js$)/ },
  // What it would be compiled from; compiled forms for each platform are in prebuilds/.
  { of: /^@photostructure\/sqlite$/, drop: /^(src|scripts)\// },
]

/** What the examples start, beside the gateway. */
const exampled = ['@modelcontextprotocol/server']
/** Of `dist`: single modules are for scripts and benchmarks of a checkout. */
const idleModules = /^dist[/\\](?!main\.js$|bundle([/\\]|$))/

/** Lays it out in `folder`, which is there. Resolves to the paths of the packages in it. */
export function stage(folder) {
  const manifest = readJson(join(root, 'package.json'))
  for (const entry of manifest.files) {
    if (entry.startsWith('!')) continue
    const target = join(folder, entry)
    mkdirSync(dirname(target), { recursive: true })
    cpSync(join(root, entry), target, { recursive: true, filter: (path) => !idleModules.test(relative(root, path)) })
  }
  const names = [...keptPackages, ...exampled]
  const packages = neededBy(names)
  for (const path of packages) copyPackage(path, folder)
  const { scripts: _scripts, devDependencies: _tools, allowScripts: _allowed, ...published } = manifest
  const dependencies = Object.fromEntries(names.map((name) => [name, manifest.dependencies[name]]))
  writeJson(join(folder, 'package.json'), { ...published, dependencies, bundleDependencies: names })
  return packages
}

/** These packages and what they need, as paths below the root: `node_modules/NAME[/node_modules/NAME …]`. */
function neededBy(names) {
  const { packages } = readJson(join(root, 'package-lock.json'))
  const found = new Set()
  const find = (name, from) => {
    // As Node.js looks for it: from the one that needs it outwards.
    for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
      const path = at === '' ? `node_modules/${name}` : `${at}/node_modules/${name}`
      const entry = packages[path]
      if (entry !== undefined) {
        if (found.has(path)) return
        found.add(path)
        for (const needed of Object.keys(entry.dependencies ?? {})) find(needed, path)
        return
      }
      if (at === '') throw new Error(`package-lock.json has no ${name}, which ${from || 'the package'} needs`)
    }
  }
  for (const name of names) find(name, '')
  return [...found]
}

function copyPackage(path, folder) {
  const source = join(root, path)
  const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
  const others = otherForms.find(({ of }) => of.test(name))?.drop
  cpSync(source, join(folder, path), {
    recursive: true,
    filter: (file) => {
      const inside = relative(source, file).split(sep).join('/')
      if (inside === '') return true
      // A package inside of it is copied by its own entry of the lock file.
      if (inside === 'node_modules' || idleFolders.has(inside)) return false
      if (others?.test(inside) || others?.test(`${inside}/`)) return false
      return !idleFiles.test(inside) || licences.test(basename(inside))
    },
  })
  // What is copied is ready to run, so that nothing is left for npm to run: neither its scripts nor what they need.
  const { scripts: _scripts, devDependencies: _tools, gypfile: _gyp, ...manifest } = readJson(join(source, 'package.json'))
  writeJson(join(folder, path, 'package.json'), manifest)
}

/** Packages below a folder whose installation runs something, as `NAME: SCRIPT`. */
export function installScripts(folder) {
  return packagesBelow(folder).flatMap((path) => {
    const { name, scripts = {} } = readJson(join(path, 'package.json'))
    const named = ['preinstall', 'install', 'postinstall'].filter((script) => scripts[script] !== undefined)
    // npm compiles what has such a file, without being told to.
    const compiled = readdirSync(path).includes('binding.gyp') ? ['binding.gyp'] : []
    return [...named, ...compiled].map((script) => `${name}: ${script}`)
  })
}

function packagesBelow(folder) {
  return readdirSync(folder, { recursive: true })
    .map(String)
    .filter((path) => /(^|[/\\])node_modules[/\\](@[^/\\]+[/\\])?[^@/\\.][^/\\]*[/\\]package\.json$/.test(path))
    .map((path) => join(folder, dirname(path)))
}

function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'))
}

function writeJson(file, value) {
  writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`)
}
