// What a door asks of telemetry, where nothing is exported: clients decide alone.
import type { Propagation } from '../../src/core/ports/propagation.ts'

export const allSampled: Propagation = { sampled: (_traceId, parent) => parent ?? true, baggage: new Set() }
