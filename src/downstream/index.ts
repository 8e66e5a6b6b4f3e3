// The doors, as the assembly composes them.
export { type AdminDoor, createAdminDoor, type StoreStatus, type UpstreamStatus } from './admin/door.ts'
export type { Readiness } from './admin/health.ts'
export { protectedResourcePages } from './http/protected-resource.ts'
export { createHttpDoor, type HttpDoor, type HttpDoorParts, type HttpGauges, type SseHttpDoor } from './http/server.ts'
export { createLegacyHttpDoor } from './legacy/http.ts'
export { sessionsDomain } from './legacy/kept-sessions.ts'
export { createSseDoor, type SseDoor } from './sse/door.ts'
export { serveStdio } from './stdio/door.ts'
