// Faults of how the gateway or a server behind it is set up.
import type { FaultKind } from './fault.ts'

export const configurationFaults = {
  tool_held: {
    category: 'configuration',
    status: 200,
    code: -32602,
    retryable: false,
    protocol: false,
    agent: 'The tool {tool} is held back by the operators of this gateway: {reason}. Nothing was executed.',
    operator:
      'The server lists a tool that nobody has admitted (`servers.<name>.admit`). See it in `/admin/v1/tools`, and approve or reject it there.',
  },
  config_error: {
    category: 'configuration',
    status: 200,
    code: -32603,
    retryable: false,
    protocol: false,
    agent:
      'The server {upstream} is not set up correctly, so {item} cannot be used. Tell the user that an operator has to mend it: {reason}',
    operator: 'Run `signalbox check` with this configuration; it names the variable, path or command.',
  },
  upstream_start_failed: {
    category: 'configuration',
    status: 200,
    code: -32603,
    retryable: true,
    protocol: false,
    agent: 'The server {upstream} could not be started: {reason}',
    operator: 'The process ended before it answered. Its last words on stderr stand in the detail.',
  },
  unknown_mount: {
    category: 'configuration',
    status: 404,
    code: -32600,
    retryable: false,
    protocol: true,
    agent: 'Nothing is served at /mcp/{mount}. Served here: {served}.',
    operator: 'The path names no configured server or toolset.',
  },
  host_refused: {
    category: 'configuration',
    status: 403,
    code: -32600,
    retryable: false,
    protocol: true,
    agent: 'The Host {host} is not served here. An operator can allow it with `http.hosts`.',
    operator: 'Add the public name of this gateway to `http.hosts`. Never allow names that you do not own (DNS rebinding).',
  },
  origin_refused: {
    category: 'configuration',
    status: 403,
    code: -32600,
    retryable: false,
    protocol: true,
    agent: 'Requests of web pages from {origin} are not allowed here. An operator can allow the origin with `http.origins`.',
    operator: 'Add the origin to `http.origins` if the page is yours.',
  },
} as const satisfies Record<string, FaultKind>
