// A real Keycloak with the realm of the example, as a process of its own on free ports of loopback.
import { spawn } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Closers } from '../peers/admitting.ts'
import { freePort } from '../peers/free-port.ts'
import { eventually } from '../peers/processes.ts'

/** Folder of a distribution; undefined where none was given. */
export const keycloakHome = process.env.KEYCLOAK_HOME

/** Starts it with nothing but this realm, and resolves to the address of it. What an earlier run kept in the folder is removed. */
export async function startKeycloak(closers: Closers, realm: string): Promise<string> {
  const home = keycloakHome ?? ''
  const [port, management] = [await freePort(), await freePort()]
  const issuer = `http://127.0.0.1:${port}/realms/${JSON.parse(realm).realm}`
  rmSync(join(home, 'data'), { recursive: true, force: true })
  mkdirSync(join(home, 'data', 'import'), { recursive: true })
  writeFileSync(join(home, 'data', 'import', 'realm.json'), realm)
  const options = [`--http-port=${port}`, `--http-management-port=${management}`, '--http-host=127.0.0.1', '--import-realm']
  const child = spawn(join(home, 'bin', 'kc.sh'), ['start-dev', ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, JAVA_OPTS_KC_HEAP: '-Xms64m -Xmx512m', NODE_OPTIONS: undefined },
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      said += chunk
    })
  }
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  closers.push(async () => {
    child.kill('SIGTERM')
    await gone
  })
  const answers = async (): Promise<boolean> => {
    if (child.exitCode !== null) throw new Error(`Keycloak ended with ${child.exitCode}: ${said.slice(-2_000)}`)
    return fetch(`${issuer}/.well-known/openid-configuration`).then(
      ({ ok }) => ok,
      () => false,
    )
  }
  if (!(await eventually(answers, 540_000))) throw new Error(`Keycloak does not answer: ${said.slice(-2_000)}`)
  return issuer
}
