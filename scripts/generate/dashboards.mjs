// The dashboards for Grafana in deploy/grafana/, from a short description: a panel is its title, its unit and its queries. A query that has
// `or vector(0)` is of what should never happen.

const by = (labels, of) => `sum by (${labels}) (${of})`
const rate = (metric, labels = '') => `rate(${metric}{${labels}}[$__rate_interval])`
const up = 'upstream=~"$upstream"'
const tool = 'upstream=~"$upstream", item=~"$item"'
const quantiles = (metric, labels, groups) =>
  [0.5, 0.95, 0.99].map((q) => ({
    legend: `p${q * 100}${groups === '' ? '' : ` ${groups.replace(/(\w+)/g, '{{$1}}').replaceAll(', ', '/')}`}`,
    query: `histogram_quantile(${q}, ${by(['le', ...(groups === '' ? [] : [groups])].join(', '), rate(`${metric}_bucket`, labels))})`,
  }))

const dashboards = {
  'signalbox-overview': {
    title: 'Signalbox: overview',
    variables: ['upstream'],
    rows: {
      Calls: [
        panel('Calls of tools', 'reqps', [
          [by('upstream', rate('signalbox_call_seconds_count', `method="tools/call", ${up}`)), '{{upstream}}'],
        ]),
        panel('Share that fails, on the way or behind the server', 'percentunit', [
          [
            `${by('upstream', rate('signalbox_faults_total', `category=~"transport|integration|authentication", ${up}`))} / ${by('upstream', rate('signalbox_call_seconds_count', up))}`,
            '{{upstream}}',
          ],
        ]),
        panel('Duration of requests', 's', quantiles('mcp_server_operation_duration_seconds', '', 'mcp_method_name')),
        panel('Outcomes', 'reqps', [[by('outcome', rate('signalbox_call_seconds_count', up)), '{{outcome}}']]),
      ],
      Results: [
        panel('Results of tools, by what they were found to be', 'reqps', [[by('kind', rate('signalbox_results_total', up)), '{{kind}}']]),
        panel('Alerts that are open', 'short', [
          [by('upstream, item, kind', `signalbox_alerts_open{${up}}`), '{{upstream}}/{{item}}: {{kind}}'],
        ]),
        panel('Incidents that are open', 'short', [
          [`${by('upstream, kind, severity', 'signalbox_incidents_open')} or vector(0)`, '{{severity}} {{upstream}}: {{kind}}'],
        ]),
      ],
      Objectives: [
        panel('Error budget that is left, of 30 days', 'percentunit', [
          [`min by (upstream, item, objective) (signalbox_objective_budget_remaining{${up}})`, '{{upstream}}/{{item}} {{objective}}'],
        ]),
        panel('Burn rate (1 uses the budget up in 30 days)', 'short', [
          [
            `max by (upstream, item, objective, window) (signalbox_objective_burn_rate{window=~"1h|6h|3d", ${up}})`,
            '{{upstream}}/{{item}} {{objective}} {{window}}',
          ],
        ]),
      ],
      Servers: [
        panel('Ready', 'short', [[`max by (upstream) (signalbox_upstream_state{state="ready", ${up}})`, '{{upstream}}']]),
        panel('In flight', 'short', [[by('upstream', `signalbox_upstream_in_flight{${up}}`), '{{upstream}}']]),
      ],
      Clients: [
        panel('Clients by the way they come in', 'short', [[by('transport, revision', 'signalbox_clients'), '{{transport}} {{revision}}']]),
        panel('Sessions', 'short', [[by('transport', 'signalbox_sessions'), '{{transport}}']]),
        panel('Requests turned away', 'reqps', [[by('kind', rate('signalbox_refusals_total')), '{{kind}}']]),
        panel('Refused by limits', 'reqps', [[by('scope, kind', rate('signalbox_limit_total')), '{{kind}} ({{scope}})']]),
      ],
    },
  },
  'signalbox-tools': {
    title: 'Signalbox: tools',
    variables: ['upstream', 'item'],
    rows: {
      Latency: [
        panel('Duration of calls', 's', quantiles('signalbox_call_seconds', `method="tools/call", ${tool}`, 'upstream, item')),
        panel('Calls', 'reqps', [
          [by('upstream, item, outcome', rate('signalbox_call_seconds_count', tool)), '{{upstream}}/{{item}} {{outcome}}'],
        ]),
        panel('Time to the first event', 's', quantiles('signalbox_first_event_seconds', tool, 'upstream, item')),
        panel('Longest gap between events', 's', quantiles('signalbox_event_gap_seconds', tool, 'upstream, item')),
        panel('Events', 'cps', [[by('upstream, item', rate('signalbox_call_events_total', tool)), '{{upstream}}/{{item}}']]),
      ],
      Quality: [
        panel('Doubtful answers', 'reqps', [[by('upstream, reason', rate('signalbox_suspect_total', up)), '{{upstream}}: {{reason}}']]),
        panel('Size of results', 'bytes', quantiles('signalbox_result_bytes', tool, 'upstream, item')),
        panel('Arguments that were given their types', 'cps', [
          [by('upstream, item', rate('signalbox_coerced_arguments_total', tool)), '{{upstream}}/{{item}}'],
        ]),
      ],
      'Tokens and cost': [
        panel('Tokens', 'cps', [
          [by('upstream, item, direction', rate('signalbox_tokens_total', tool)), '{{upstream}}/{{item}} {{direction}}'],
        ]),
        panel('Cost an hour, in the currency of `prices`', 'short', [
          [`${by('upstream, item', rate('signalbox_cost_total', tool))} * 3600`, '{{upstream}}/{{item}}'],
        ]),
      ],
      Failures: [
        panel('Faults', 'reqps', [
          [by('upstream, category, kind', rate('signalbox_faults_total', up)), '{{upstream}} {{category}}/{{kind}}'],
        ]),
        panel('Who ended calls, and what they were at', 'reqps', [
          [by('upstream, ended', rate('signalbox_call_ends_total', up)), '{{upstream}} {{ended}}'],
        ]),
        panel('Sent again', 'reqps', [[by('upstream, evidence', rate('signalbox_retries_total', up)), '{{upstream}}: {{evidence}}']]),
      ],
    },
  },
  'signalbox-servers': {
    title: 'Signalbox: servers',
    variables: ['upstream'],
    rows: {
      State: [
        panel('State', 'short', [[`max by (upstream, state) (signalbox_upstream_state{${up}}) == 1`, '{{upstream}} {{state}}']]),
        panel('Circuits (1: half open, 2: open)', 'short', [[`max by (upstream) (signalbox_circuit_state{${up}})`, '{{upstream}}']]),
        panel('Circuits of tools that are not closed', 'short', [
          [`max by (upstream, item) (signalbox_tool_circuit_state{${up}}) or vector(0)`, '{{upstream}}/{{item}}'],
        ]),
        panel('Connections and processes', 'short', [[by('upstream', `signalbox_upstream_connections{${up}}`), '{{upstream}}']]),
        panel('Restarts of processes', 'cps', [
          [`${by('upstream', rate('signalbox_child_restarts_total', up))} or vector(0)`, '{{upstream}}'],
        ]),
      ],
      Load: [
        panel('In flight', 'short', [[by('upstream', `signalbox_upstream_in_flight{${up}}`), '{{upstream}}']]),
        panel('Waiting', 'short', [[by('upstream', `signalbox_upstream_queued{${up}}`), '{{upstream}}']]),
        panel('What calls wait for, seconds a second', 's', [
          [by('upstream, phase', rate('signalbox_wait_seconds_sum', up)), '{{upstream}} {{phase}}'],
        ]),
      ],
      Attempts: [
        panel(
          'Duration of attempts',
          's',
          quantiles('mcp_client_operation_duration_seconds', 'signalbox_upstream=~"$upstream"', 'signalbox_upstream'),
        ),
        panel('Attempts that fail', 'reqps', [
          [
            by(
              'signalbox_upstream, error_type',
              rate('mcp_client_operation_duration_seconds_count', 'error_type!="", signalbox_upstream=~"$upstream"'),
            ),
            '{{signalbox_upstream}} {{error_type}}',
          ],
        ]),
      ],
      Contracts: [
        panel('Tools by the state of their contract', 'short', [
          [by('upstream, state', `signalbox_tool_contracts{${up}}`), '{{upstream}} {{state}}'],
        ]),
      ],
    },
  },
  'signalbox-gateway': {
    title: 'Signalbox: the gateway itself',
    variables: [],
    rows: {
      Traffic: [
        panel('Bytes', 'Bps', [[by('direction', rate('signalbox_call_bytes_total')), '{{direction}}']]),
        panel('Requests by revision', 'reqps', [
          [
            by('mcp_protocol_version, network_transport', rate('mcp_server_operation_duration_seconds_count')),
            '{{mcp_protocol_version}} {{network_transport}}',
          ],
        ]),
        panel('Sessions opened', 'cps', [[by('transport', rate('signalbox_sessions_opened_total')), '{{transport}}']]),
        panel('Duration of sessions of clients', 's', quantiles('mcp_server_session_duration_seconds', '', 'mcp_protocol_version')),
        panel('Memory', 'bytes', [['signalbox_resident_bytes', 'resident']]),
      ],
      Audit: [
        panel('Rows that were kept', 'cps', [[rate('signalbox_audit_rows_total'), 'rows']]),
        panel('Rows that wait', 'short', [['signalbox_audit_rows_waiting', 'waiting']]),
        panel('Duration of commits', 's', quantiles('signalbox_audit_commit_seconds', '', '')),
        panel('Rows of a commit', 'short', [
          [`${rate('signalbox_audit_commit_rows_sum')} / ${rate('signalbox_audit_commit_rows_count')}`, 'mean'],
        ]),
      ],
      Export: [
        panel('Spans that the collector took', 'cps', [[rate('signalbox_spans_total'), 'spans']]),
        panel('Spans that wait', 'short', [['signalbox_spans_queued', 'waiting']]),
        panel('Values of metrics that the collector took', 'cps', [[rate('signalbox_metric_points_total'), 'values']]),
        panel('Messages about incidents', 'short', [
          [`${by('output, outcome', 'increase(signalbox_alert_notifications_total[1h])')} or vector(0)`, '{{output}} {{outcome}}'],
        ]),
      ],
      'What should stay at 0': [
        panel('Bugs', 'short', [[`${by('source', 'increase(signalbox_bugs_total[1h])')} or vector(0)`, '{{source}}']]),
        panel('Faults of the store', 'short', [[`${by('kind', 'increase(signalbox_store_faults_total[1h])')} or vector(0)`, '{{kind}}']]),
        panel('Rows of the audit that were lost', 'short', [['increase(signalbox_audit_rows_lost_total[1h])', 'lost']]),
        panel('Spans and values of metrics that were dropped', 'short', [
          [`${by('reason', 'increase(signalbox_spans_dropped_total[1h])')} or vector(0)`, 'spans {{reason}}'],
          [`${by('reason', 'increase(signalbox_metric_points_dropped_total[1h])')} or vector(0)`, 'values {{reason}}'],
        ]),
        panel('Events dropped', 'short', [[`${by('where', 'increase(signalbox_events_dropped_total[1h])')} or vector(0)`, '{{where}}']]),
        panel('Clients cut off', 'short', [[`${by('unsent', 'increase(signalbox_clients_cut_total[1h])')} or vector(0)`, '{{unsent}}']]),
      ],
    },
  },
}

/** By path. */
export function dashboardFiles() {
  return Object.fromEntries(
    Object.entries(dashboards).map(([name, board]) => [
      `deploy/grafana/${name}.json`,
      `${JSON.stringify(grafana(name, board), null, 2)}\n`,
    ]),
  )
}

function panel(title, unit, queries) {
  return { title, unit, queries: queries.map((one) => (Array.isArray(one) ? { query: one[0], legend: one[1] } : one)) }
}

const datasource = { type: 'prometheus', uid: '${datasource}' }
const width = 12
const height = 8

/** The model of Grafana 9 and later: two panels a row. */
function grafana(uid, { title, variables, rows }) {
  const panels = []
  let y = 0
  for (const [row, own] of Object.entries(rows)) {
    panels.push({ id: panels.length + 1, type: 'row', title: row, collapsed: false, gridPos: { x: 0, y, w: 24, h: 1 }, panels: [] })
    y += 1
    own.forEach((one, n) => {
      panels.push(timeseries(one, panels.length + 1, (n % 2) * width, y + Math.floor(n / 2) * height))
    })
    y += Math.ceil(own.length / 2) * height
  }
  return {
    uid,
    title,
    tags: ['signalbox', 'mcp'],
    schemaVersion: 39,
    editable: true,
    time: { from: 'now-6h', to: 'now' },
    refresh: '30s',
    templating: { list: [sourceVariable, ...variables.map(variable)] },
    panels,
  }
}

const sourceVariable = { name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Prometheus' }

function variable(name) {
  const narrowed = name === 'item' ? '{upstream=~"$upstream"}' : ''
  const query = `label_values(signalbox_call_seconds_count${narrowed}, ${name})`
  return {
    name,
    type: 'query',
    datasource,
    query,
    refresh: 2,
    includeAll: true,
    multi: true,
    allValue: '.*',
    current: { text: 'All', value: '$__all' },
  }
}

function timeseries({ title, unit, queries }, id, x, y) {
  return {
    id,
    type: 'timeseries',
    title,
    datasource,
    gridPos: { x, y, w: width, h: height },
    fieldConfig: { defaults: { unit, min: 0, custom: { fillOpacity: 8, showPoints: 'never' } }, overrides: [] },
    options: {
      legend: { displayMode: 'table', placement: 'right', calcs: ['lastNotNull', 'max'] },
      tooltip: { mode: 'multi', sort: 'desc' },
    },
    targets: queries.map(({ query, legend }, n) => ({
      refId: String.fromCharCode(65 + n),
      datasource,
      expr: query,
      legendFormat: legend,
      exemplar: unit === 's',
    })),
  }
}
