// Who is calling, as the assembly composes it.
export { type ApiKey, type ApiKeyStore, apiKeysDomain, createApiKeyStore } from './api-key-store.ts'
export { type Callers, callerMethods, createCallers, noScopes } from './callers.ts'
export { createExchange } from './exchange.ts'
export { createNonces } from './nonces.ts'
export type { CallersParts, MountScopes } from './parts.ts'
export { createPlatformIssuer, type MintedToken, type PlatformClaims, type PlatformIssuer } from './platform.ts'
export { proofAlgorithms } from './proof.ts'
export { createRevocationStore, type RevocationStore, revocationsDomain } from './revocation-store.ts'
