// The face of the room: what the assembly makes of configuration.
export { KeptCredentials } from './kept-credentials.ts'
export { isTelling } from './secret-names.ts'
