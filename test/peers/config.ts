// Configuration files for gateways that run as processes of their own.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** JSON is YAML; the file lies in a folder of its own. */
export function writeConfig(config: Record<string, unknown>): { path: string; folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-config-'))
  const path = join(folder, 'signalbox.yaml')
  writeFileSync(path, JSON.stringify({ listen: '127.0.0.1:0', ...config }))
  return { path, folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}
