// Where a command sends its requests: to a URL, or through the UNIX socket of a gateway, `unix:PATH` or `unix:PATH:/mcp/tracker`, as nginx writes it.
import { Agent, type Dispatcher } from 'undici'
import { socketIn } from './socket-address.ts'

export interface Destination {
  readonly url: string
  /** Absent: the usual. */
  readonly dispatcher?: Dispatcher
}

/** `below`: what is meant where a socket stands alone. Undefined where the text is no address. */
export function destinationOf(text: string, below: string): Destination | undefined {
  const socket = socketIn(text)
  if (socket === undefined) return URL.canParse(text) && /^https?:/.test(text) ? { url: text } : undefined
  const dispatcher = new Agent({ connect: { socketPath: socket.path } })
  return { url: `http://localhost${socket.below ?? below}`, dispatcher }
}
