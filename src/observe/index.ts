// The face of the observers: readers of the call record, and the two ways that living parts report.
export { type ClientSeen, createInventory, type Inventory } from './inventory.ts'
export { createLog, type LogSink } from './log.ts'
export { createMetrics, type Gauges, type Metrics } from './metrics.ts'
export { createRecorder } from './recorder.ts'
export { createRedactor } from './redact.ts'
export { createStageTimes } from './stage-times.ts'
