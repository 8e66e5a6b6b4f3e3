// The face of the room: what the assembly makes of configuration.
export { isTelling } from './secret-names.ts'
