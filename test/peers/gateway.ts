// A gateway under test, in this process, on a free port of loopback, configured as a user would.
import { startGateway } from '../../src/assembly/index.ts'
import { settingsSchema } from '../../src/assembly/settings.ts'
import type { Clock } from '../../src/core/ports/clock.ts'
import { isSocketFile, type ListenAddress } from '../../src/core/ports/listen-address.ts'
import { root } from './servers.ts'

export type Config = Omit<Parameters<typeof settingsSchema.parse>[0] & object, never> & Record<string, unknown>

export interface UnderTest {
  readonly base: string
  /** Address of the admin door. */
  readonly admin: string
  readonly running: Awaited<ReturnType<typeof startGateway>>
  stop(): Promise<void>
}

/** Starts the gateway and waits until each upstream was tried once. `clock`: absent, that of the system; `otel`: `OTEL_*` of its environment. */
export async function startUnderTest(
  config: Record<string, unknown>,
  clock?: Clock,
  otel: Readonly<Record<string, string>> = {},
): Promise<UnderTest> {
  const settings = settingsSchema.parse({ listen: '127.0.0.1:0', log: { level: 'silent' }, drain: { graceMs: 500 }, ...config })
  const anywhere = { host: '127.0.0.1', port: 0 }
  const running = await startGateway(settings, {
    listen: anywhere,
    admin: anywhere,
    source: 'test',
    baseDir: root,
    otel,
    ...(clock && { clock }),
  })
  await running.settled(20_000)
  const admin = `http://127.0.0.1:${portOf(running.adminAddress)}`
  return { base: `http://127.0.0.1:${portOf(running.address)}`, admin, running, stop: () => running.drain() }
}

/** Of a door of the network. */
export function portOf(address: ListenAddress | undefined): number | undefined {
  return address === undefined || isSocketFile(address) ? undefined : address.port
}
