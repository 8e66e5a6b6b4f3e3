// `signalbox stdio`: serves one desktop client on standard input and output. Nothing but the protocol goes to standard output.
import { forTerminal } from '../../core/text/terminal.ts'
import { systemClock } from '../../platform/clock/system-clock.ts'
import { startLoaded } from '../gateway.ts'
import { type ExitCode, exit } from './exit.ts'
import { loadOrTell, type SourceOptions } from './options.ts'
import { onSignals } from './signals.ts'
import { onUncaught } from './uncaught.ts'

export async function stdio(options: SourceOptions & { readonly mount?: string }, endNow: (code: ExitCode) => void): Promise<ExitCode> {
  const loaded = await loadOrTell(options, false)
  if (loaded === undefined) return exit.invalid
  const mount = options.mount ?? ''
  const mounts = [...Object.keys(loaded.settings.servers), ...Object.keys(loaded.settings.toolsets)]
  if (mount !== '' && !mounts.includes(mount)) {
    process.stderr.write(`--mount ${forTerminal(mount)} names no server or toolset. Served here: ${mounts.join(', ')}.\n`)
    return exit.invalid
  }
  const signals = onSignals(systemClock, () => endNow(exit.interrupted))
  const gateway = await startLoaded(loaded, { stdio: { input: process.stdin, output: process.stdout, mount } })
  for (const { server, reason } of loaded.broken) process.stderr.write(`${forTerminal(`${server} is not served: ${reason}`)}\n`)
  const uncaught = onUncaught((bug) => gateway.uncaught(bug))
  const reason = await Promise.race([signals.first, uncaught.first, gateway.ended.then(() => undefined)])
  if (reason !== undefined) await gateway.drain()
  signals.stop()
  uncaught.stop()
  return reason === 'uncaught' ? exit.failed : exit.ok
}
