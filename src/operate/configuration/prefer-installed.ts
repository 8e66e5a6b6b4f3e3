// Starts `npx -y NAME@VERSION …` as `node …` where exactly that version is installed beside us: the quickstart is up a second sooner
// and asks no registry.
import type { Settings } from '../../assembly/settings.ts'
import { installedBin } from '../package-root.ts'

export function preferInstalled(settings: Settings): Settings {
  const servers = Object.fromEntries(
    Object.entries(settings.servers).map(([name, server]) => {
      const local = server.command === 'npx' ? localForm(server.args) : undefined
      return [name, local === undefined ? server : { ...server, command: process.execPath, args: local }]
    }),
  )
  return { ...settings, servers }
}

/** Arguments for node; undefined where this is no exact package or it is not installed. */
function localForm(args: readonly string[]): string[] | undefined {
  const at = args.findIndex((arg) => !arg.startsWith('-'))
  const match = /^(@?[^@]+)@(\d[^@]*)$/.exec(args[at] ?? '')
  if (match === null) return undefined
  const bin = installedBin(match[1] ?? '', match[2] ?? '')
  return bin === undefined ? undefined : [bin, ...args.slice(at + 1)]
}
