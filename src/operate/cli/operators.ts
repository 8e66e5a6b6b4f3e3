// `signalbox operators link`: a link by which somebody who has forgotten a password, or has none yet, sets one. Who may read the store of a
// gateway may make one; it works whether the gateway runs or not.
import { operatorLink } from '../../authorization-server/index.ts'
import { forTerminal } from '../../core/text/terminal.ts'
import { systemClock } from '../../platform/clock/system-clock.ts'
import { systemRandom } from '../../platform/random/system-random.ts'
import { ownUrl } from '../configuration/address.ts'
import { type ExitCode, exit } from './exit.ts'
import { failed } from './refusing.ts'
import { withStore } from './with-store.ts'

export interface OperatorsOptions {
  readonly config?: string
  readonly json?: boolean
}

export function operatorsLink(options: OperatorsOptions): Promise<ExitCode> {
  return withStore(options, async ({ durable }, { settings, listen }) => {
    if (settings.auth.embedded.login.oidc !== undefined) {
      process.stderr.write('People sign in at `auth.embedded.login.oidc`: there are no passwords here\n')
      return exit.invalid
    }
    try {
      const url = settings.publicUrl ?? ownUrl(listen)
      const link = await operatorLink(durable, systemClock, systemRandom, url)
      process.stdout.write(options.json === true ? `${JSON.stringify({ link })}\n` : `${forTerminal(link)}\n`)
      return exit.ok
    } catch (error) {
      return failed(String(error))
    }
  })
}
