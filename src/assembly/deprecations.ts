// Warns, once for each server, that it speaks the deprecated HTTP+SSE transport, and names who is to move it and until when.
import type { Report } from '../core/ports/report.ts'
import type { Upstream } from '../core/ports/upstream.ts'
import type { Settings } from './settings.ts'

export function warnOfDeprecated(upstreams: Iterable<Upstream>, sse: Settings['sse'], report: Report): void {
  for (const upstream of upstreams) {
    const look = (): void => {
      if (upstream.health().state !== 'ready' || upstream.describe().transport !== 'sse') return
      stop()
      report.log('warn', 'A server uses the deprecated HTTP+SSE transport; it should offer Streamable HTTP', {
        upstream: upstream.id,
        owner: sse.owner ?? 'nobody: set sse.owner',
        sunset: sse.sunset ?? 'not set: set sse.sunset',
      })
    }
    const stop = upstream.onChange(look)
  }
}
