// Runs before `npm test`: real servers that tests start for themselves, from Debian's packages, where this machine has none and lets us
// install them. Without one the tests that need it are skipped and say so, so nothing here fails the run.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

const wanted = [
  { name: 'redis-server', paths: ['/usr/bin/redis-server', '/usr/local/bin/redis-server', '/usr/bin/valkey-server'] },
  { name: 'prometheus', paths: ['/usr/bin/prometheus', '/usr/local/bin/prometheus'] },
]
const missing = wanted.filter(({ paths }) => !paths.some((path) => existsSync(path))).map(({ name }) => name)

// Only with the rights for it, and never asking for any.
if (missing.length > 0 && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
  // RUNLEVEL=1: installed and not started; tests start their own.
  const env = { ...process.env, NODE_OPTIONS: '', DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  const apt = (...args) => spawnSync('/usr/bin/apt-get', ['-qq', ...args], { env, stdio: 'ignore', timeout: 120_000 }).status === 0
  const install = () => apt('install', '-y', '--no-install-recommends', ...missing)
  const done = install() || (apt('update') && install())
  console.log(
    done ? `Installed for the tests: ${missing.join(', ')}` : `Not to be had: ${missing.join(', ')}; tests that need it are skipped`,
  )
}
