// The same upstream over stdio, session era.
const tool = {
  name: 'echo',
  description: 'Says it back.',
  inputSchema: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
}

function answer({ method, params }) {
  if (method === 'initialize')
    return { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'bench-stdio', version: '1.0.0' } }
  if (method === 'tools/list') return { tools: [tool] }
  if (method === 'tools/call')
    return {
      content: [
        { type: 'text', text: params.arguments.text },
        { type: 'text', text: 'x'.repeat(60) },
      ],
    }
  return method === 'ping' ? {} : undefined
}

let rest = ''
process.stdin.on('data', (chunk) => {
  const lines = (rest + chunk).split('\n')
  rest = lines.pop()
  let out = ''
  for (const line of lines) {
    const message = JSON.parse(line)
    if (message.id === undefined) continue
    const result = answer(message)
    out += `${JSON.stringify(result === undefined ? { jsonrpc: '2.0', id: message.id, error: { code: -32601, message: 'Method not found' } } : { jsonrpc: '2.0', id: message.id, result })}\n`
  }
  if (out !== '') process.stdout.write(out)
})
process.stdin.on('end', () => process.exit(0))
