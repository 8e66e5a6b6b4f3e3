// The face of what a run did, in order.
export { kindOf, type Step, type StepKind, type Timeline, type Totals, type Turn, timelineOf } from './timeline.ts'
