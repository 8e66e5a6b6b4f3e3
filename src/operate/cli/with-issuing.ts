// What the commands about tokens and keys have in common: the configuration, the store, and a sentence where either cannot be had.
import { forTerminal } from '../../core/text/terminal.ts'
import type { Loaded } from '../configuration/load.ts'
import { type Issuing, openIssuing } from '../issuing.ts'
import { type ExitCode, exit } from './exit.ts'
import { loadOrTell } from './options.ts'

export async function withIssuing(
  options: { readonly config?: string },
  work: (issuing: Issuing, loaded: Loaded) => Promise<ExitCode>,
): Promise<ExitCode> {
  const loaded = await loadOrTell({ ...(options.config === undefined ? {} : { config: options.config }) }, false)
  if (loaded === undefined) return exit.invalid
  const issuing = openIssuing(loaded)
  if (typeof issuing === 'string') {
    process.stderr.write(`${forTerminal(issuing)}\n`)
    return exit.preflight
  }
  try {
    return await work(issuing, loaded)
  } catch (error) {
    if (!(error instanceof Error) || !/^(ApiKeysUnavailable|KeysUnavailable|RevocationsUnavailable)$/.test(error.name)) throw error
    process.stderr.write(`${forTerminal(error.message)}\n`)
    return exit.failed
  } finally {
    await issuing.close()
  }
}
