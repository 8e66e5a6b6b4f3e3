// Programs that judge what `deploy/` holds: of the system, or of the folder that `npm run deployment` fills (SIGNALBOX_TOOLS).
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Path of a program; undefined, and said, where there is none: what needs it is skipped then. */
export function toolNamed(name: string): string | undefined {
  const folders = [process.env.SIGNALBOX_TOOLS ?? '', ...(process.env.PATH ?? '').split(delimiter)].filter((folder) => folder !== '')
  const found = folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
  if (found === undefined) process.stdout.write(`Not tried: ${name}. \`npm run deployment\` brings what can be had.\n`)
  return found
}
