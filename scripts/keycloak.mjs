// Runs test/keycloak against a real Keycloak: that of KEYCLOAK_HOME, else one that Maven brings. Needs Java 17 and a minute or two.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const version = '26.7.3'
const root = fileURLToPath(new URL('..', import.meta.url))

const home = process.env.KEYCLOAK_HOME ?? fetched()
if (home === undefined) {
  console.log('Not tried: Keycloak, which needs Java, Maven and unzip, or KEYCLOAK_HOME with a distribution of it.')
  process.exit(0)
}
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
const ran = spawnSync(process.execPath, [vitest, 'run', 'test/keycloak'], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, KEYCLOAK_HOME: home },
})
process.exit(ran.status ?? 1)

/** Below .cache, once. Undefined where it cannot be had. */
function fetched() {
  const cache = join(root, '.cache')
  const folder = join(cache, `keycloak-${version}`)
  if (existsSync(join(folder, 'bin', 'kc.sh'))) return folder
  mkdirSync(cache, { recursive: true })
  const run = (command, args) => spawnSync(command, args, { stdio: 'ignore' }).status === 0
  const artifact = `org.keycloak:keycloak-quarkus-dist:${version}:zip`
  if (!run('java', ['-version']) || !run('mvn', ['-q', 'dependency:get', `-Dartifact=${artifact}`, '-Dtransitive=false'])) return undefined
  const archive = join(
    homedir(),
    '.m2',
    'repository',
    'org',
    'keycloak',
    'keycloak-quarkus-dist',
    version,
    `keycloak-quarkus-dist-${version}.zip`,
  )
  return run('unzip', ['-q', '-o', archive, '-d', cache]) ? folder : undefined
}
