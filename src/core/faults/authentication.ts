// Faults of identity and permission, on either hop.
import type { FaultKind } from './fault.ts'

export const authenticationFaults = {
  unauthenticated: {
    category: 'authentication',
    status: 401,
    code: -32600,
    retryable: false,
    protocol: true,
    agent: 'This gateway needs a credential: {reason}.',
    operator: 'The request carried no valid credential.',
  },
  upstream_auth_failed: {
    category: 'authentication',
    status: 200,
    code: -32603,
    retryable: false,
    protocol: false,
    agent: 'The server {upstream} refused {refused} (HTTP {status}). {effect} Tell the user that an operator has to {remedy}.',
    operator: 'Check the credential configured for this upstream (`headers` or its environment), and its address.',
  },
  credential_expired: {
    category: 'authentication',
    status: 200,
    code: -32603,
    retryable: false,
    protocol: false,
    agent: "The caller's credential expired before {item} answered. {effect} It goes on with a new credential only.",
    operator: 'A call, stream or waiting question outlived the credential that it was begun with. Let clients renew theirs before it ends.',
  },
  session_unknown: {
    category: 'authentication',
    status: 404,
    code: -32600,
    retryable: true,
    protocol: true,
    agent: 'The session is not known here or has ended. Start a new one with initialize.',
    operator: 'An unknown, expired or foreign Mcp-Session-Id was presented.',
  },
} as const satisfies Record<string, FaultKind>
