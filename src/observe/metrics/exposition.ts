// The two text formats of metrics. A registry of prom-client writes one of them, chosen for good when its metrics are made: OpenMetrics, since
// that alone has exemplars. The older format of Prometheus is made from it.

export const openMetricsType = 'application/openmetrics-text; version=1.0.0; charset=utf-8'
export const prometheusType = 'text/plain; version=0.0.4; charset=utf-8'

/** Whether a client takes OpenMetrics: by its media type in `Accept`, whatever weight it gives to it, but for none (`q=0`). */
export function takesOpenMetrics(accept: string | undefined): boolean {
  for (const range of (accept ?? '').split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    if (type === 'application/openmetrics-text') return !parameters.some((one) => /^q=0(\.0*)?$/.test(one))
  }
  return false
}

/** Prometheus 0.0.4 of OpenMetrics 1.0 as prom-client writes it: counters by their whole names, no exemplars, no end mark. */
export function asPrometheus(openMetrics: string): string {
  const lines = openMetrics.split('\n')
  const out: string[] = []
  for (let n = 0; n < lines.length; n += 1) {
    const line = lines[n] as string
    if (line === '# EOF') continue
    if (line.startsWith('# HELP ')) {
      const type = lines[n + 1] ?? ''
      const suffix = type.startsWith('# TYPE ') && type.endsWith(' counter') ? '_total' : ''
      out.push(named(line, suffix), named(type, suffix))
      n += 1
    } else out.push(withoutExemplar(line))
  }
  return out.join('\n')
}

/** `# HELP name …` or `# TYPE name …` with a suffix to the name. */
function named(line: string, suffix: string): string {
  const end = line.indexOf(' ', 7)
  return end < 0 ? line + suffix : line.slice(0, end) + suffix + line.slice(end)
}

/** An exemplar follows the value; a label's value may have the same characters. */
function withoutExemplar(line: string): string {
  if (!line.includes(' # {')) return line
  const at = line.indexOf(' # {', endOfLabels(line))
  return at < 0 ? line : line.slice(0, at)
}

/** Place after the labels of a line, whose values are quoted. */
function endOfLabels(line: string): number {
  let quoted = false
  for (let n = line.indexOf('{'); n >= 0 && n < line.length; n += 1) {
    const c = line[n]
    if (quoted && c === '\\') n += 1
    else if (c === '"') quoted = !quoted
    else if (c === '}' && !quoted) return n
  }
  return 0
}
