// What tells operators of incidents, as the assembly composes it.
export { Alerts, type ShownSilence } from './alerts.ts'
export type { Condition } from './condition.ts'
export { HeldEvents, watching } from './held.ts'
export { alertsDomain } from './incident-store.ts'
export { type AlertKind, kindsOfAlerts } from './kinds.ts'
export type { ShownIncident } from './shown.ts'
export { Sunsets } from './sunsets.ts'
