// Chromium of the system, driven without a screen. Where there is none, what needs it is skipped and says so.
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium } from 'playwright-core'

/** Undefined where this machine has none. `CHROMIUM` names another. */
export const chromiumPath = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  (path) => path !== undefined && existsSync(path),
)

export interface Window {
  readonly context: BrowserContext
  close(): Promise<void>
}

/** A window with nothing kept of others. It asks for nothing of its own in the network. */
export async function openWindow(
  options: { readonly colorScheme?: 'light' | 'dark'; readonly viewport?: { width: number; height: number } } = {},
): Promise<Window> {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-chromium-'))
  const context = await chromium.launchPersistentContext(folder, {
    executablePath: chromiumPath ?? '',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
    ...options,
  })
  return {
    context,
    close: async () => {
      await context.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
