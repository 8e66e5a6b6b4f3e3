// The face of the configuration reader.
export { type ImportResult, importClientFile, importClientText } from './mcp-json.ts'
export type { ImportedServer, ImportOptions } from './mcp-json-servers.ts'
export type { ClientInput } from './mcp-json-variables.ts'
export { formatProblem, inOrder, keyOf, type Path, type Problem } from './problem.ts'
export {
  type Broken,
  type BytesRead,
  error,
  type Finding,
  type ReadOptions,
  type ReadResult,
  readBytes,
  readConfigFile,
  readConfigText,
  readText,
  warning,
} from './read.ts'
