// What becomes of one answer of a child: the bytes that are written in its place, and how the process goes on.

export type StdioFault =
  /** Ends with this code, after these last words on stderr; the answer is lost. */
  | { readonly kind: 'exit'; readonly code: number; readonly stderr?: string }
  /** SIGKILL of the shim and its child. */
  | { readonly kind: 'kill' }
  /** SIGSTOP of the shim: it lives, hears and says nothing. */
  | { readonly kind: 'stop' }
  /** The answer is lost, and nothing else. */
  | { readonly kind: 'silence' }
  /** Text around the answer; what stands before it without a line end is glued to it. */
  | { readonly kind: 'noise'; readonly before: string; readonly after?: string }
  /** The last bytes of the answer are missing, the line end is not. */
  | { readonly kind: 'truncate'; readonly bytes: number }
  /** Only these first bytes of it, without a line end, and then the exit. */
  | { readonly kind: 'partial'; readonly bytes: number }
  /** A line of so many bytes without an end. */
  | { readonly kind: 'oversize'; readonly bytes: number }
  /** So many bytes on stderr before the answer. */
  | { readonly kind: 'stderr'; readonly bytes: number }
  /** The answer under another id; `text`: its own as a string. */
  | { readonly kind: 'id'; readonly id: number | string | 'text' }
  | { readonly kind: 'duplicate' }
  /** These bytes (hex) stand after the first place where the answer has the text. */
  | { readonly kind: 'insert'; readonly after: string; readonly hex: string }
  /** A result with so many arrays in each other. */
  | { readonly kind: 'deep'; readonly levels: number }

/** Bytes in place of the line (which ends with LF); undefined where none are written. */
export function harmed(fault: StdioFault, line: string): Buffer | undefined {
  switch (fault.kind) {
    case 'noise':
      return Buffer.from(fault.before + line + (fault.after ?? ''))
    case 'truncate':
      return Buffer.from(`${line.slice(0, -1 - fault.bytes)}\n`)
    case 'partial':
      return Buffer.from(line.slice(0, fault.bytes))
    case 'stderr':
      return Buffer.from(line)
    case 'id':
      return underId(fault.id, line)
    case 'duplicate':
      return Buffer.from(line.repeat(2))
    case 'insert':
      return inserted(fault.after, Buffer.from(fault.hex, 'hex'), line)
    case 'deep':
      return Buffer.from(
        `{"jsonrpc":"2.0","id":${JSON.stringify(idOf(line))},"result":{"content":[],"x":${'['.repeat(fault.levels)}${']'.repeat(fault.levels)}}}\n`,
      )
    default:
      return undefined
  }
}

function underId(id: number | string, line: string): Buffer {
  const message = JSON.parse(line) as Record<string, unknown>
  return Buffer.from(`${JSON.stringify({ ...message, id: id === 'text' ? String(message.id) : id })}\n`)
}

function inserted(after: string, bytes: Buffer, line: string): Buffer {
  const found = line.indexOf(after)
  const at = found < 0 ? 0 : found + after.length
  return Buffer.concat([Buffer.from(line.slice(0, at)), bytes, Buffer.from(line.slice(at))])
}

function idOf(line: string): unknown {
  return (JSON.parse(line) as Record<string, unknown>).id
}
