// The face of the composition root: start a gateway from its settings.
export type { ConfigurationSource } from './configuration-source.ts'
export { startGateway } from './lifecycle.ts'
export type { Reloaded } from './reloading.ts'
export type { GatewayOptions, RunningGateway, ServerStatus } from './running-gateway.ts'
export { type Settings, settingsSchema } from './settings.ts'
