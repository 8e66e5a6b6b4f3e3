// docs/metrics.md: every metric with its help, type and labels, read from what the gateway itself exposes.

/** `load` imports from dist/. */
export async function metricsPage(load, note) {
  const { createMetrics } = await load('observe/metrics/metrics.js')
  const { counters } = await load('core/ports/report.js')
  const upstream = {
    upstream: 'x',
    state: 'ready',
    inFlight: 0,
    connections: 0,
    restarts: 0,
    queued: 0,
    breaker: 'closed',
    items: [{ kind: 'tool', item: 'x', circuit: 'open' }],
    endpoints: [{ url: 'x', state: 'ready', inFlight: 0 }],
  }
  const metrics = createMetrics({
    upstreams: () => [upstream],
    sessions: () => [{ transport: 'http', open: 0 }],
    tools: () => [{ upstream: 'x', state: 'admitted', tools: 0 }],
    clients: () => [{ transport: 'http', revision: 'x', clients: 0 }],
    alerts: () => [{ upstream: 'x', item: 'x', kind: 'empty' }],
    results: () => [{ upstream: 'x', kind: 'ok', results: 1 }],
    objectives: () => [{ server: 'x', objective: 'availability', target: 99, calls: 1, bad: 0, budgetLeft: 1, burnRates: { '1h': 0 } }],
    incidents: () => [{ server: 'x', kind: 'empty', severity: 'warn' }],
    auditWaiting: () => 0,
    spansQueued: () => 0,
    stages: () => [{ family: 'x', stage: 'x', passes: 1, ownMs: 1 }],
  })
  for (const [name, { labels }] of Object.entries(counters))
    metrics.counters.add(name, Object.fromEntries(labels.map((label) => [label, 'x'])))
  for (const record of records()) metrics.observe(record)
  metrics.committed(1, 1)
  for (const side of ['server', 'client']) metrics.counters.session(side, { transport: 'stdio', revision: '2025-11-25' }, 1)
  const rows = read((await metrics.text()).text).map(
    ({ name, type, help, labels }) => `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(' ')} | ${help} |`,
  )
  return `# Metrics

${note('what the gateway exposes (`src/observe/metrics/`, `src/core/ports/report.ts`)')}\`GET /metrics\` of the admin door answers in the text format of Prometheus. Calls are counted from their records, so a refused call counts as well. Label values
are bounded: \`item\` is the server's own name of a tool or prompt, \`_URI\` for resources, \`_OTHER\` beyond 2,000 items. What to do when one of
them moves: [operations.md](operations.md).

\`mcp_…\` are the metrics of the OpenTelemetry conventions for MCP, their attributes as labels. A scraper that takes OpenMetrics gets exemplars: the
trace and span in which a call of that duration was measured.

[By OTLP](#by-otlp) the same leaves to a collector.

| Metric | Type | Labels | Meaning |
|---|---|---|---|
${rows.join('\n')}

\`outcome\` of a call is \`complete\`, \`tool_error\` (the tool said \`isError\`), \`input_required\`, \`task\` or \`fault\`; kinds and categories of faults
stand in [faults.md](faults.md).

## By OTLP
Where \`telemetry.otlp.endpoint\` or \`OTEL_EXPORTER_OTLP_ENDPOINT\` (of metrics alone \`OTEL_EXPORTER_OTLP_METRICS_ENDPOINT\`) names a collector, all of the above is
sent to it too, by the protocol, headers and certificates of [traces](tracing.md#the-collector): each minute, or as \`OTEL_METRIC_EXPORT_INTERVAL\` says (ms), and
once more when the gateway ends. \`telemetry.otlp.signals: [traces]\` or \`OTEL_METRICS_EXPORTER=none\` (where nothing is configured) leave metrics out, as a
collector that takes traces alone wants it.

Counters are cumulative sums since the start of the gateway, histograms have the bounds and exemplars of the above; the resource and the scope
(\`signalbox\`) are those of traces. \`mcp_…\` have the names of the conventions (\`mcp.server.operation.duration\` in \`s\`, attributes as \`gen_ai.tool.name\`), all
others the names above, so that behind a collector that writes to Prometheus the same queries, [rules and dashboards](../deploy/) hold. An empty label is left out.

It is read from what \`/metrics\` reads, and no call waits for it. 65,536 values wait at most where the collector is away; what is dropped is counted
(\`signalbox_metric_points_dropped_total\`), and since sums are cumulative the next reading has it all the same. When the gateway ends, what waits has
three seconds. \`npm run collectors\` sends them to a real OpenTelemetry collector by each protocol.
`
}

/** A call that went well with events and waits, one that failed, and one that was turned away. */
function records() {
  const call = {
    method: 'tools/call',
    family: 'invoke',
    upstream: 'x',
    item: 'x',
    itemKind: 'tool',
    outcome: 'complete',
    termination: '--',
    caller: { arrival: { transport: 'http', revision: '2026-07-28' } },
    atMs: 1,
    durationMs: 1,
    bytesIn: 1,
    bytesOut: 1,
    stream: { events: 2, bytes: 2, firstMs: 1, longestGapMs: 1 },
    phases: [{ name: 'queue', from: 0, to: 1, attempt: 1 }],
    attempted: [{ number: 1, from: 0, to: 1, isError: false, events: 0, sentOn: { transport: 'stdio', revision: '2025-11-25' } }],
    coerced: ['/x'],
    usage: { sent: 1, got: 1, cost: 1 },
  }
  const fault = { kind: 'x', category: 'tool', sideEffect: 'none', message: '', code: -32602, answered: -32602 }
  return [
    call,
    { ...call, outcome: 'fault', fault, termination: 'PR' },
    { ...call, family: 'refused', outcome: 'fault', fault, termination: 'PR' },
  ]
}

function read(text) {
  const found = []
  for (const line of text.split('\n')) {
    const [, word, name, rest] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? []
    if (word === 'HELP') found.push({ name, help: rest, type: '', labels: [] })
    else if (word === 'TYPE') found.at(-1).type = rest
    else if (line !== '') {
      const own = found.at(-1)
      for (const [, label] of line.matchAll(/[{,](\w+)="/g)) if (label !== 'le' && !own.labels.includes(label)) own.labels.push(label)
    }
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1))
}
