// The face of the command line.
export { type ExitCode, exit, exitMeanings } from './cli/exit.ts'
export { commandLine, runCommandLine } from './cli/program.ts'
export { toolsExitMeanings } from './cli/tools/exit.ts'
