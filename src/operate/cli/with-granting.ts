// What the commands about grants and clients have in common: what keeps them, and a sentence where the store does not answer.
import { type Granting, openGranting } from '../granting.ts'
import type { ExitCode } from './exit.ts'
import { failed } from './refusing.ts'
import { type StoreOptions, withOpened } from './with-store.ts'

export function withGranting(options: StoreOptions, work: (granting: Granting) => Promise<ExitCode>): Promise<ExitCode> {
  return withOpened(options, openGranting, async (granting) => {
    try {
      return await work(granting)
    } catch (error) {
      if (!(error instanceof Error) || !/^(StoreUnavailable|CredentialFailure|RevocationsUnavailable)$/.test(error.name)) throw error
      return failed(error.message)
    }
  })
}
