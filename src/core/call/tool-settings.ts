// What configuration says of one tool (`tools`): resolved once, when the catalog takes the tool in, and read from its item.

import type { Rate } from '../text/rate.ts'

export interface ToolSettings {
  /** Whether executing a call twice is as good as once; undefined: what the server says of the tool decides. */
  readonly idempotent: boolean | undefined
  /** `reads`: again what was not executed, and what may be executed twice; `never`: nothing is sent again. */
  readonly retry: 'reads' | 'never'
  /** What does not fit the input schema: is given its types where nothing is lost, is refused, or is not even looked at. */
  readonly arguments: 'coerce' | 'strict' | 'pass'
  /** Calls of all callers together. */
  readonly rate: Rate | undefined
  readonly ratePerPrincipal: Rate | undefined
  readonly ratePerRun: Rate | undefined
  /** Calls at once; more of them wait. */
  readonly concurrency: number | undefined
  /** What a call costs, and each token of it; undefined: what `prices` says. */
  readonly cost: { readonly call: number; readonly token: number | undefined } | undefined
}

/** Where configuration says nothing; also of everything that is no tool. */
export const unconfigured: ToolSettings = {
  idempotent: undefined,
  retry: 'reads',
  arguments: 'coerce',
  rate: undefined,
  ratePerPrincipal: undefined,
  ratePerRun: undefined,
  concurrency: undefined,
  cost: undefined,
}
