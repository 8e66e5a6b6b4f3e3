// The face of the configuration reader.

export {
  type ClientInput,
  type ImportedServer,
  type ImportOptions,
  type ImportResult,
  importClientFile,
  importClientText,
  inputVariable,
} from './mcp-json.ts'
export { nearest } from './nearest.ts'
export { formatProblem, inOrder, keyOf, type Path, type Problem } from './problem.ts'
export { type Broken, type Finding, type ReadOptions, type ReadResult, readConfigFile, readConfigText, readText } from './read.ts'
