// Who exports: `service.*` of this gateway, and what the environment adds to it (OpenTelemetry, "Resource SDK").
import type { Resource } from '@opentelemetry/resources'
import type { Implementation } from '../../core/protocol/names.ts'
import type { Environment } from './target.ts'

export async function readResource(identity: Implementation, instance: string, env: Environment): Promise<Resource> {
  const { resourceFromAttributes } = await import('@opentelemetry/resources')
  const own = { 'service.name': identity.name, 'service.version': identity.version, 'service.instance.id': instance }
  const name = env.OTEL_SERVICE_NAME?.trim() ?? ''
  return resourceFromAttributes({
    ...own,
    ...attributesIn(env.OTEL_RESOURCE_ATTRIBUTES ?? ''),
    ...(name === '' ? {} : { 'service.name': name }),
  })
}

/** `key=value,…`, percent-encoded; one that cannot be read makes all of it as absent, as the specification asks. */
function attributesIn(text: string): Record<string, string> {
  const read: Record<string, string> = {}
  try {
    for (const pair of text.split(',')) {
      if (pair.trim() === '') continue
      const equals = pair.indexOf('=')
      if (equals < 1) return {}
      read[decodeURIComponent(pair.slice(0, equals).trim())] = decodeURIComponent(pair.slice(equals + 1).trim())
    }
  } catch {
    return {}
  }
  return read
}
