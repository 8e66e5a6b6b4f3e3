// All faults in one table, a file per category, so that "exactly one of five categories" holds by structure (R70).
import { authenticationFaults } from './authentication.ts'
import { configurationFaults } from './configuration.ts'
import { type Fault, type FaultChange, makeFault } from './fault.ts'
import { integrationFaults } from './integration.ts'
import { limitFaults } from './limits.ts'
import { toolFaults } from './tool.ts'
import { transportFaults } from './transport.ts'

export const catalogue = {
  ...toolFaults,
  ...limitFaults,
  ...configurationFaults,
  ...transportFaults,
  ...authenticationFaults,
  ...integrationFaults,
}

export type Kind = keyof typeof catalogue

/** A fault of the catalogue. `detail` fills the `{names}` of its sentence and reaches programs as data. */
export function fault(kind: Kind, detail: Readonly<Record<string, unknown>> = {}, change: Omit<FaultChange, 'detail'> = {}): Fault {
  return makeFault(kind, catalogue[kind], { ...change, detail })
}
