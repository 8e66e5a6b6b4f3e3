// Whether a server answers on a connection now: the cheapest request of its era, with a time limit of its own.
import { Switch } from '../../core/call/signal.ts'
import type { CredentialLease } from '../../core/ports/credentials.ts'
import type { Connection } from '../connection.ts'
import type { Context } from '../context.ts'

/** An error is an answer too. */
export async function isAnswering({ clock, timeouts }: Context, connection: Connection, lease: CredentialLease): Promise<boolean> {
  const over = new Switch()
  const timer = clock.timer(timeouts.probe, () => over.abort('nobody waits'))
  const asked = await connection.ask(connection.era === 'modern' ? 'server/discover' : 'ping', undefined, lease, over)
  timer.cancel()
  return !over.aborted && (asked.kind === 'result' || asked.fault.evidence?.health !== 'failure')
}
