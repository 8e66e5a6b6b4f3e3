// Text of event streams, as far as a proxy that looks for answers must know it (WHATWG HTML, "Server-sent events").

export type Message = Readonly<Record<string, unknown>>

/** One event with this data. `id`: what a client may resume after. */
export function eventBlock(data: string, id?: string): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: message\ndata: ${data}\n\n`
}

export interface Event {
  readonly name: string
  readonly data: string
}

/** The event of a block of lines; undefined for comments alone. */
export function eventIn(block: string): Event | undefined {
  let name = 'message'
  const data: string[] = []
  for (const line of block.split(/\r\n|\r|\n/)) {
    if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''))
    else if (line.startsWith('event:')) name = line.slice(6).trim()
  }
  return data.length === 0 ? undefined : { name, data: data.join('\n') }
}

/** JSON-RPC messages of a stream that has ended, each with its text. */
export function messagesIn(text: string): { readonly data: string; readonly message: Message }[] {
  return text.split(/\r?\n\r?\n/).flatMap((block) => {
    const event = eventIn(block)
    const message = event === undefined ? undefined : messageIn(event.data)
    return event === undefined || message === undefined ? [] : [{ data: event.data, message }]
  })
}

export function messageIn(data: string): Message | undefined {
  try {
    const message = JSON.parse(data) as unknown
    return typeof message === 'object' && message !== null ? (message as Message) : undefined
  } catch {
    return undefined
  }
}
