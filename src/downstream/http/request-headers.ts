// The header checks of a modern request: `MCP-Protocol-Version`, `Mcp-Method`, `Mcp-Name` repeat the body, or the request is refused
// (MCP 2026-07-28 §transports, SEP-2243). `Mcp-Param-*` are only handed on: a stage that knows the schema judges them.
import type { IncomingHttpHeaders } from 'node:http'
import { fault } from '../../core/faults/catalogue.ts'
import type { Fault } from '../../core/faults/fault.ts'
import { decodeHeaderValue } from '../../core/protocol/headers.ts'
import { header } from '../../core/protocol/names.ts'
import type { HeaderChecks } from '../modern/receive.ts'

/** Stands for a value that cannot be decoded. No JSON string that passes the door equals it: lone surrogates are refused there. */
const undecodable = '\ud800'

export class RequestHeaders implements HeaderChecks {
  private readonly headers: IncomingHttpHeaders

  constructor(headers: IncomingHttpHeaders) {
    this.headers = headers
  }

  get(name: string): string | undefined {
    if (name !== header.name && !name.startsWith(header.paramPrefix)) return undefined
    const raw = this.headers[name]
    return typeof raw === 'string' ? (decodeHeaderValue(raw) ?? undecodable) : undefined
  }

  revision(claim: string): Fault | undefined {
    const named = this.headers[header.protocolVersion]
    if (named === claim) return undefined
    if (named === undefined) return mismatch('MCP-Protocol-Version is missing')
    return mismatch(`MCP-Protocol-Version is ${String(named)}, the body says ${claim}`)
  }

  standard(method: string, target: string | undefined): Fault | undefined {
    const named = this.headers[header.method]
    if (named === undefined) return mismatch('Mcp-Method is missing')
    if (named !== method) return mismatch(`Mcp-Method is ${String(named)}, the body says ${method}`)
    if (target === undefined) return undefined
    const raw = this.headers[header.name]
    if (typeof raw !== 'string') return mismatch(`Mcp-Name is missing, the body says ${target}`)
    if (raw === target && !raw.startsWith('=?')) return undefined
    const decoded = decodeHeaderValue(raw)
    if (decoded === target) return undefined
    return mismatch(decoded === undefined ? 'Mcp-Name is not decodable' : `Mcp-Name is ${decoded}, the body says ${target}`)
  }
}

function mismatch(reason: string): Fault {
  return fault('header_mismatch', { reason })
}
