// Names of metrics and of their attributes in OTLP. What stands in the conventions of OpenTelemetry has its name from there; all else the one
// that Prometheus reads, so that what comes to Prometheus by way of a collector has the same name as what it reads itself.

/** Labels that stand for attributes of the conventions. */
const attributes: Readonly<Record<string, string>> = {
  mcp_method_name: 'mcp.method.name',
  mcp_protocol_version: 'mcp.protocol.version',
  gen_ai_tool_name: 'gen_ai.tool.name',
  gen_ai_prompt_name: 'gen_ai.prompt.name',
  gen_ai_operation_name: 'gen_ai.operation.name',
  error_type: 'error.type',
  rpc_response_status_code: 'rpc.response.status_code',
  network_transport: 'network.transport',
  server_address: 'server.address',
  server_port: 'server.port',
  signalbox_upstream: 'signalbox.upstream',
}

export function attributeName(label: string): string {
  return attributes[label] ?? label
}

export interface MetricName {
  readonly name: string
  /** UCUM; '' of what is counted. */
  readonly unit: string
}

/** `mcp_server_operation_duration_seconds` is `mcp.server.operation.duration` in `s`. */
export function metricName(name: string): MetricName {
  const unit = /_seconds(_total)?$/.test(name) ? 's' : /_bytes(_total)?$/.test(name) ? 'By' : ''
  return name.startsWith('mcp_') ? { name: name.replace(/_seconds$/, '').replaceAll('_', '.'), unit } : { name, unit }
}
