// The face of the composition root: start a gateway from its settings.
export { type GatewayOptions, type RunningGateway, type ServerStatus, startGateway } from './lifecycle.ts'
export { type Settings, settingsSchema } from './settings.ts'
