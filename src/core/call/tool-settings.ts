// What configuration says of one tool (`tools`): resolved once, when the catalog takes the tool in, and read from its item.

import type { Rate } from '../text/rate.ts'
import type { Deprecation } from './deprecation.ts'
import type { Objective } from './objective.ts'

/** How often a tool, prompt or resource may be used. */
export interface ItemRates {
  /** Calls of all callers together. */
  readonly rate: Rate | undefined
  readonly ratePerPrincipal: Rate | undefined
  readonly ratePerRun: Rate | undefined
}

export interface ToolSettings extends ItemRates {
  /** Whether executing a call twice is as good as once; undefined: what the server says of the tool decides. */
  readonly idempotent: boolean | undefined
  /** `reads`: again what was not executed, and what may be executed twice; `never`: nothing is sent again. */
  readonly retry: 'reads' | 'never'
  /** What does not fit the input schema: is given its types where nothing is lost, is refused, or is not even looked at. */
  readonly arguments: 'coerce' | 'strict' | 'pass'
  /** Longest silence of a call, in ms; undefined: that of its server. */
  readonly timeout: number | undefined
  /** What an agent is told to tell its user where a call fails on the way or behind the server. */
  readonly tellUser: string | undefined
  /** Age of an answer in ms up to which it is given again where the server fails; undefined: none is kept. */
  readonly staleFor: number | undefined
  /** Calls at once; more of them wait. */
  readonly concurrency: number | undefined
  /** What a call costs, and each token of it; undefined: what `prices` says. */
  readonly cost: { readonly call: number; readonly token: number | undefined } | undefined
  /** Secrets in its results are masked. */
  readonly secrets: 'mask' | 'pass'
  /** Its results are marked as content of others, for the model that reads them. */
  readonly untrusted: 'mark' | 'pass'
  /** How its results are judged; undefined: as all are. */
  readonly quality: ToolQuality | undefined
  /** Of a family of tools, by its name: what holds for its versions. */
  readonly versions: VersionsSettings | undefined
  readonly deprecated: Deprecation | undefined
  /** What is wanted of its calls. */
  readonly objective: Objective | undefined
}

export interface ToolQuality {
  /** Path of the rows that are counted; undefined: the list that takes most of the results. */
  readonly rows: string | undefined
  readonly emptyIsNormal: boolean
  /** It gives texts of others; undefined: by its name. */
  readonly payload: boolean | undefined
  /** Paths of members that are other each time. */
  readonly ignore: readonly string[]
  readonly onSuspect: 'annotate' | 'block'
}

export interface VersionsSettings {
  /** The version that the name without one leads to. */
  readonly alias: number | undefined
  readonly deprecated: ReadonlyMap<number, Deprecation>
}

/** Where configuration says nothing; also of everything that is no tool. */
export const unconfigured: ToolSettings = {
  idempotent: undefined,
  retry: 'reads',
  arguments: 'coerce',
  rate: undefined,
  ratePerPrincipal: undefined,
  ratePerRun: undefined,
  timeout: undefined,
  tellUser: undefined,
  staleFor: undefined,
  concurrency: undefined,
  cost: undefined,
  secrets: 'pass',
  untrusted: 'pass',
  quality: undefined,
  versions: undefined,
  deprecated: undefined,
  objective: undefined,
}
