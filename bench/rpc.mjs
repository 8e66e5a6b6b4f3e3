// Single requests of the benchmark, before the load: sessions, and what a server offers.

const accept = 'application/json, text/event-stream'
const clientInfo = { name: 'bench', version: '1.0.0' }
const meta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': clientInfo,
  'io.modelcontextprotocol/clientCapabilities': {},
}
const legacy = '2025-11-25'

/** Posts a message; resolves to the response and the JSON-RPC message that came, from either content type. */
async function rpc(url, body, headers = {}) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept, ...headers },
    body: JSON.stringify(body),
  })
  const text = await response.text()
  const data = text.startsWith('{')
    ? text
    : text
        .split(/\r?\n/)
        .filter((line) => line.startsWith('data:') && line.includes('"id"'))
        .at(-1)
        ?.slice(5)
  return { response, message: data === undefined ? undefined : JSON.parse(data) }
}

function sessionHeaders(session) {
  return { 'mcp-protocol-version': legacy, ...(session === null ? {} : { 'mcp-session-id': session }) }
}

/** Opens a session; resolves to its id, null where the server has none. `credential`: headers that show who asks. */
export async function openSession(url, credential = {}) {
  const { response, message } = await rpc(
    url,
    {
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: legacy, capabilities: {}, clientInfo },
    },
    credential,
  )
  if (message?.result === undefined) throw new Error(`initialize was answered with HTTP ${response.status}`)
  const session = response.headers.get('mcp-session-id')
  await rpc(url, { jsonrpc: '2.0', method: 'notifications/initialized' }, { ...sessionHeaders(session), ...credential })
  return session
}

/** The name under which a server of this era offers `echo`; undefined where it does not speak the era. */
export async function echoOf(url, era, session) {
  const headers = era === 'modern' ? { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/list' } : sessionHeaders(session)
  const params = era === 'modern' ? { _meta: meta } : {}
  const { message } = await rpc(url, { jsonrpc: '2.0', id: 2, method: 'tools/list', params }, headers)
  return message?.result?.tools?.map(({ name }) => name).find((name) => /(^|[^a-z])echo$/i.test(name))
}

/** Lists tools of a server of 2026-07-28, and fails where it does not answer. */
export async function listTools(url, authorization) {
  const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/list', authorization }
  const { response } = await rpc(url, { jsonrpc: '2.0', id: 3, method: 'tools/list', params: { _meta: meta } }, headers)
  if (response.status !== 200) throw new Error(`tools/list was answered with HTTP ${response.status}`)
}

/** Calls a tool of a server of 2026-07-28; resolves to the result. */
export async function callTool(url, name, args) {
  const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': name }
  const { message } = await rpc(
    url,
    { jsonrpc: '2.0', id: 4, method: 'tools/call', params: { name, arguments: args, _meta: meta } },
    headers,
  )
  return message.result
}
