// nginx of the system. Where there is none, what needs it is skipped and says so.
import { spawn } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Closers } from '../peers/admitting.ts'
import { eventually } from '../peers/processes.ts'

/** Undefined where this machine has none. `NGINX` names another. */
export const nginxPath = [process.env.NGINX, '/usr/sbin/nginx', '/usr/bin/nginx', '/usr/local/sbin/nginx'].find(
  (path) => path !== undefined && existsSync(path),
)

/** Starts it with this configuration, and with all that it writes in the folder. `answers`: whether it is there. */
export async function startNginx(closers: Closers, folder: string, config: string, answers: () => Promise<boolean>): Promise<void> {
  const own = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${folder}/${kind};`)
  const file = join(folder, 'nginx.conf')
  writeFileSync(file, config.replace('http {', `http {\n  access_log off;\n  ${own.join(' ')}\n`))
  const child = spawn(
    nginxPath ?? '',
    ['-e', 'stderr', '-p', folder, '-c', file, '-g', `daemon off; pid ${folder}/nginx.pid; error_log stderr warn;`],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let said = ''
  child.stderr.on('data', (chunk) => {
    said += chunk
  })
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  closers.push(async () => {
    child.kill('SIGQUIT')
    const isGone = await Promise.race([gone.then(() => true), eventually(() => child.exitCode !== null, 2_000)])
    if (!isGone) child.kill('SIGKILL')
    await gone
  })
  const isThere = () => answers().catch(() => false)
  if (!(await eventually(async () => child.exitCode !== null || (await isThere())))) throw new Error(`nginx does not answer: ${said}`)
  if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}: ${said}`)
}
