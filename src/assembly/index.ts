// The face of the composition root: start a gateway from its settings.
export { startGateway } from './lifecycle.ts'
export type { GatewayOptions, RunningGateway, ServerStatus } from './running-gateway.ts'
export { type Settings, settingsSchema } from './settings.ts'
