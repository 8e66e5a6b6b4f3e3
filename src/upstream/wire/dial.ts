// Opens wires to one upstream by its settings. The only file of the exits that knows all transports.
import type { Signal } from '../../core/call/signal.ts'
import type { Fault } from '../../core/faults/fault.ts'
import type { CredentialLease } from '../../core/ports/credentials.ts'
import { type Context, hopHeaders } from '../context.ts'
import { openHttpWire } from '../http/wire.ts'
import { openSseWire } from '../sse/wire.ts'
import { openStdioWire } from '../stdio/wire.ts'
import type { HttpWire, Wire } from './wire.ts'

export interface Dial {
  stdio(): Promise<Wire | Fault>
  /** `resume`: legacy revisions take up a cut stream again. */
  http(resume: boolean, lease?: CredentialLease): HttpWire
  /** `guess`: nobody knows that the server speaks this transport, so an event stream that says nothing of it is not waited for long. `signal`: ends the attempt. */
  sse(lease: CredentialLease, guess?: boolean, signal?: Signal): Promise<Wire | Fault>
}

/** `url`: the endpoint of an HTTP server. */
export function dial(context: Context, url = ''): Dial {
  const { id: upstream, settings, timeouts, limits, ids, clock, random, report, pools, identity } = context
  const maxMessageBytes = limits.resultBytes
  const userAgent = `${identity.name}/${identity.version}`
  const http = { upstream, url, userAgent, connectTimeoutMs: timeouts.connect, maxMessageBytes, ids, clock, report, pools }
  return {
    stdio: () => {
      const { command = '', args, env, cwd, sandbox } = settings
      return openStdioWire({
        upstream,
        command,
        args,
        env,
        cwd,
        sandbox,
        hidden: [...(context.hidden ?? [])],
        maxMessageBytes,
        ids,
        clock,
        report,
      })
    },
    http: (resume, credential) => openHttpWire({ ...http, random, resume, credential }),
    sse: (lease, guess, signal) => {
      const guessTimeoutMs = guess === true ? timeouts.probe : undefined
      return openSseWire({
        ...http,
        credential: lease,
        headers: () => hopHeaders(context, lease),
        startTimeoutMs: timeouts.start,
        guessTimeoutMs,
        signal,
      })
    },
  }
}

/** What a dial brings is a wire or the fault that kept it from one. */
export function isFault(opened: Wire | Fault): opened is Fault {
  return !('transport' in opened)
}
