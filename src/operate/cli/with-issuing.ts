// What the commands about tokens and keys have in common: what signs and keeps them, and a sentence where the store does not answer.
import type { Loaded } from '../configuration/load.ts'
import { type Issuing, openIssuing } from '../issuing.ts'
import type { ExitCode } from './exit.ts'
import { failed } from './refusing.ts'
import { type StoreOptions, withOpened } from './with-store.ts'

export function withIssuing(options: StoreOptions, work: (issuing: Issuing, loaded: Loaded) => Promise<ExitCode>): Promise<ExitCode> {
  return withOpened(options, openIssuing, async (issuing, loaded) => {
    try {
      return await work(issuing, loaded)
    } catch (error) {
      if (!(error instanceof Error) || !/^(ApiKeysUnavailable|KeysUnavailable|RevocationsUnavailable)$/.test(error.name)) throw error
      return failed(error.message)
    }
  })
}
