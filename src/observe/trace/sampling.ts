// Which share of traces is exported: what configuration says, else `OTEL_TRACES_SAMPLER` (OpenTelemetry, "General SDK Configuration"), else
// one of ten.
import type { Environment } from '../otlp/target.ts'
import type { TelemetrySettings } from '../settings.ts'
import type { Sampling } from './sampler.ts'

const usualRatio = 0.1

export interface ReadSampling {
  readonly sampling: Sampling
  /** Names of variables that could not be read. */
  readonly unread: readonly string[]
}

export function readSampling({ sample, sampledByClients }: TelemetrySettings, env: Environment): ReadSampling {
  const of = (ratio: number, parentBased = true): ReadSampling => ({
    sampling: { ratio, parentBased, byClients: sampledByClients },
    unread: [],
  })
  if (sample !== undefined) return of(sample)
  const name = env.OTEL_TRACES_SAMPLER?.trim().toLowerCase() ?? ''
  const parentBased = name === '' || name.startsWith('parentbased_')
  switch (name.replace('parentbased_', '')) {
    case '':
      return of(usualRatio)
    case 'always_on':
      return of(1, parentBased)
    case 'always_off':
      return of(0, parentBased)
    case 'traceidratio': {
      const text = env.OTEL_TRACES_SAMPLER_ARG?.trim() ?? ''
      const ratio = text === '' ? 1 : Number(text)
      if (ratio >= 0 && ratio <= 1) return of(ratio, parentBased)
      return { ...of(usualRatio), unread: ['OTEL_TRACES_SAMPLER_ARG'] }
    }
    default:
      return { ...of(usualRatio), unread: ['OTEL_TRACES_SAMPLER'] }
  }
}
