// `signalbox operators link`: a link by which somebody who has forgotten a password, or has none yet, sets one. Who may read the store of a
// gateway may make one; it works whether the gateway runs or not.
import { operatorLink } from '../../authorization-server/index.ts'
import { forTerminal } from '../../core/text/terminal.ts'
import { systemClock } from '../../platform/clock/system-clock.ts'
import { systemRandom } from '../../platform/random/system-random.ts'
import { openStore } from '../store.ts'
import { type ExitCode, exit } from './exit.ts'
import { loadOrTell } from './options.ts'

export interface OperatorsOptions {
  readonly config?: string
  readonly json?: boolean
}

export async function operatorsLink(options: OperatorsOptions): Promise<ExitCode> {
  const loaded = await loadOrTell(options.config === undefined ? {} : { config: options.config }, false)
  if (loaded === undefined) return exit.invalid
  const { settings, listen } = loaded
  if (settings.auth.embedded.login.oidc !== undefined) {
    process.stderr.write('People sign in at `auth.embedded.login.oidc`: there are no passwords here\n')
    return exit.invalid
  }
  const opened = openStore(loaded, false)
  if (typeof opened === 'string') {
    process.stderr.write(`${forTerminal(opened)}\n`)
    return exit.preflight
  }
  try {
    const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host
    const link = await operatorLink(opened.durable, systemClock, systemRandom, settings.publicUrl ?? `http://${host}:${listen.port}`)
    process.stdout.write(options.json === true ? `${JSON.stringify({ link })}\n` : `${forTerminal(link)}\n`)
    return exit.ok
  } catch (error) {
    process.stderr.write(`${forTerminal(String(error))}\n`)
    return exit.failed
  } finally {
    await opened.durable.close()
  }
}
