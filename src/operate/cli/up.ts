// `signalbox up`: serves over HTTP until a signal. Standard output is one JSON line that a program may read; everything for people goes
// to standard error.

import { isSocketFile, type ListenAddress } from '../../core/ports/listen-address.ts'
import { forTerminal } from '../../core/text/terminal.ts'
import { systemClock } from '../../platform/clock/system-clock.ts'
import { adminUrlBeside, defaultUrl } from '../client/default-urls.ts'
import { urlOf } from '../configuration/address.ts'
import type { Loaded } from '../configuration/load.ts'
import { withState } from '../configuration/state.ts'
import { type RunningGateway, startLimitMs, startLoaded } from '../gateway.ts'
import { packageVersion } from '../package-root.ts'
import { styleFor } from '../text.ts'
import { howToConnect } from './connect.ts'
import { type ExitCode, exit } from './exit.ts'
import { loadOrTell, type SourceOptions, startProblem } from './options.ts'
import { onHangUp, onSignals } from './signals.ts'
import { statusTable } from './status-table.ts'
import { onUncaught } from './uncaught.ts'

/** A start that takes longer says what it waits for. */
const patienceMs = 2_000

export async function up(options: SourceOptions, endNow: (code: ExitCode) => void): Promise<ExitCode> {
  const found = await loadOrTell(options, true)
  if (found === undefined) return exit.invalid
  const { loaded, lost } = withState(found)
  if (lost !== undefined) process.stderr.write(`warning: ${forTerminal(lost)}\n`)
  const signals = onSignals(systemClock, () => endNow(exit.interrupted))
  // Whoever started it may have read the one line there and gone.
  process.stdout.on('error', () => undefined)
  let gateway: RunningGateway
  try {
    gateway = await startLoaded(loaded)
  } catch (thrown) {
    const problem = startProblem(thrown, loaded)
    if (problem === undefined) throw thrown
    process.stderr.write(`${forTerminal(problem.text)}\n`)
    return problem.code
  }
  const address = gateway.address ?? loaded.listen
  const url = endpointAt(address, loaded)
  const servers = gateway.status().map((server) => server.name)
  const admin = adminUrlOf(gateway)
  process.stdout.write(
    `${JSON.stringify({ listening: url, ...(isSocketFile(address) ? { socket: address.path } : { host: address.host, port: address.port }), admin, servers })}\n`,
  )

  let ending = false
  const uncaught = onUncaught((bug) => gateway.uncaught(bug))
  let terminalGone: () => void = () => undefined
  const gone = new Promise<'SIGHUP'>((resolve) => {
    terminalGone = () => resolve('SIGHUP')
  })
  const unhang = onHangUp(
    () => void gateway.reload('SIGHUP'),
    () => terminalGone(),
  )
  const ended = Promise.race([signals.first, gone, uncaught.first, gateway.ended.then(() => undefined)]).then((reason) => {
    ending = true
    return reason
  })
  await Promise.race([introduce(gateway, loaded, url, () => ending), ended])
  const reason = await ended
  if (reason !== undefined) {
    process.stderr.write(
      `\n${reason === 'SIGINT' ? 'Stopping' : 'Draining'}: calls in flight may finish. Press Ctrl-C again to end at once.\n`,
    )
    await gateway.drain()
  }
  signals.stop()
  unhang()
  uncaught.stop()
  return reason === 'uncaught' ? exit.failed : exit.ok
}

async function introduce(gateway: RunningGateway, loaded: Loaded, url: string, ending: () => boolean): Promise<void> {
  const style = styleFor(process.stderr)
  const link = await gateway.setupLink()
  process.stderr.write(`${style.bold(`Signalbox ${packageVersion()}`)} listens on ${style.bold(url)} (${sourceName(loaded)})\n`)
  if (link !== undefined)
    process.stderr.write(`\nNobody can sign in yet. Create the first operator (the link works once, for a day):\n  ${style.bold(link)}\n\n`)
  const progress = showProgress(gateway)
  await gateway.settled(startLimitMs(loaded))
  progress()
  if (ending()) return
  const status = gateway.status()
  const example = status.find((server) => server.state === 'ready')?.name
  const alone = example === undefined ? '' : ` One server alone, under its own names: ${below(url)}/${example}`
  process.stderr.write(
    `\n${statusTable(status, style)}\n\n${connecting(gateway, loaded, url)}\n\nTry it: npx signalbox ls${portOptions(url, gateway)}.${alone}\nCtrl-C stops.\n`,
  )
}

function sourceName(loaded: Loaded): string {
  return loaded.kind === 'quickstart' ? 'built-in quickstart; your own: signalbox.yaml or --mcp-json FILE' : loaded.source
}

function portOptions(url: string, gateway: RunningGateway): string {
  const admin = adminUrlOf(gateway)
  const beside = admin === undefined || admin === adminUrlBeside(url) ? '' : ` --admin ${admin}`
  return `${url === defaultUrl ? '' : ` --url ${url}`}${beside}`
}

function adminUrlOf({ adminAddress }: RunningGateway): string | undefined {
  return adminAddress === undefined ? undefined : urlOf(adminAddress)
}

/** A socket has no addresses below it but those that are asked of it. */
function endpointAt(address: ListenAddress, { settings }: Loaded): string {
  const url = urlOf(address, settings.tls === undefined ? 'http' : 'https')
  return isSocketFile(address) ? url : `${url}/mcp`
}

/** Of a socket as `--url` takes it. */
function below(url: string): string {
  return url.startsWith('unix:') ? `${url}:/mcp` : url
}

/** Clients call a URL: that of a proxy, where the gateway itself stands at a socket. */
function connecting({ address = { host: '', port: 0 } }: RunningGateway, { settings }: Loaded, url: string): string {
  if (!isSocketFile(address)) return howToConnect(url)
  const proxy = `A proxy of this machine brings clients, for example nginx: proxy_pass http://unix:${address.path};`
  return settings.publicUrl === undefined ? proxy : `${proxy}\n${howToConnect(`${settings.publicUrl.replace(/\/+$/, '')}/mcp`)}`
}

/** Says who is still starting, once it takes long. Returns what stops it. */
function showProgress(gateway: RunningGateway): () => void {
  let said = ''
  const tick = () => {
    const status = gateway.status()
    const waiting = status.filter((server) => server.state === 'connecting').map((server) => server.name)
    const ready = status.filter((server) => server.state === 'ready').length
    const line = `${ready} of ${status.length} servers are ready${waiting.length > 0 ? `; waiting for ${waiting.join(', ')}` : ''} …\n`
    if (line !== said) process.stderr.write(line)
    said = line
    timer = systemClock.timer(patienceMs, tick)
  }
  let timer = systemClock.timer(patienceMs, tick)
  return () => timer.cancel()
}
