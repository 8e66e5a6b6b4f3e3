// What fails, grouped, as the assembly composes it.
export { type FaultGroup, FaultGroups, type FaultState } from './fault-groups.ts'
export { FaultStore, faultsDomain } from './fault-store.ts'
export { ShownFaults } from './shown-faults.ts'
