// Gathers what Node.js warns about, in this process and in the programs that it starts.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const watch = fileURLToPath(new URL('./watch.cjs', import.meta.url))

/** Programs started with the environment `env` from now on write their warnings into a new folder below `parent`; its path. */
export function watchPrograms(env: NodeJS.ProcessEnv, parent: string): string {
  const folder = mkdtempSync(join(parent, 'warnings-'))
  const others = env.NODE_OPTIONS === undefined || env.NODE_OPTIONS === '' ? '' : `${env.NODE_OPTIONS} `
  env.NODE_OPTIONS = `${others}--require ${JSON.stringify(watch)}`
  env.SIGNALBOX_TEST_WARNINGS = folder
  return folder
}

/** Takes what was written into the folder, at any depth; the folder stays. */
export function takeWarnings(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return files.map((entry) => {
    const path = join(entry.parentPath, entry.name)
    const text = readFileSync(path, 'utf8').trimEnd()
    rmSync(path)
    return text
  })
}

/** Warnings of this thread, as they come. */
export function ownWarnings(): { readonly heard: readonly string[]; stop(): void } {
  const heard: string[] = []
  const hear = (warning: Error): void => void heard.push(warning.stack ?? warning.message)
  process.on('warning', hear)
  return { heard, stop: () => void process.off('warning', hear) }
}

/** What to say where there are any. */
export function refusal(warnings: readonly string[]): string | undefined {
  return warnings.length === 0 ? undefined : `A warning fails the run; mend its cause:\n${warnings.join('\n')}`
}
