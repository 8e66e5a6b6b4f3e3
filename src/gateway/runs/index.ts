// The room of runs: whose task a call is.
export { Runs, type RunsParts } from './runs.ts'
