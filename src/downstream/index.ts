// The doors, as the assembly composes them.
export type { AdminParts, Readiness, UpstreamReadiness } from './admin/health.ts'
export { createHttpDoor, type HttpDoor, type HttpDoorParts, type HttpGauges, type SseHttpDoor } from './http/server.ts'
