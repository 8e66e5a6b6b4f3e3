// What a hostile server is told to say, by the arguments of the call itself: so a case needs nothing beside its call.

/** @typedef {{ chunks: string[], end: 'answer' | 'nothing' | 'cut', status?: number, headers?: Record<string, string> }} Script */

/** Text in which each character is a byte, from its base64. */
export const bytesOf = (base64) => Buffer.from(base64, 'base64').toString('latin1')

/** Puts the request's own id and token, as they came, where the script has their marks. */
export function filled(text, request) {
  const token = request.params?._meta?.progressToken
  return text.replaceAll('@ID@', JSON.stringify(request.id)).replaceAll('@TOKEN@', JSON.stringify(token ?? null))
}

const text = (said) => ({ content: [{ type: 'text', text: said }] })
const capabilities = {
  tools: { listChanged: true },
  resources: { subscribe: true, listChanged: true },
  prompts: {},
  logging: {},
  completions: {},
}
const modern = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' }
const anything = { type: 'object' }

/** The sound part of the server: what it answers to everything but `play`. Undefined: no answer. */
export function soundAnswer(request, era) {
  const whole = era === 'modern' ? modern : {}
  const { id, method, params } = request
  const say = (result) => ({ jsonrpc: '2.0', id, result: { ...whole, ...result } })
  if (id === undefined) return undefined
  switch (method) {
    case 'server/discover':
      if (era === 'modern') return say({ supportedVersions: ['2026-07-28'], capabilities })
      break
    case 'initialize':
      if (era === 'legacy')
        return say({ protocolVersion: params.protocolVersion, capabilities, serverInfo: { name: 'hostile', version: '1' } })
      break
    case 'tools/list':
      return say({
        tools: [
          { name: 'play', inputSchema: anything },
          { name: 'echo', inputSchema: anything },
        ],
      })
    case 'resources/list':
      return say({ resources: [{ name: 'r', uri: `hostile://${params?.of ?? 'r'}` }] })
    case 'resources/templates/list':
      return say({ resourceTemplates: [] })
    case 'prompts/list':
      return say({ prompts: [] })
    case 'ping':
    case 'resources/subscribe':
    case 'resources/unsubscribe':
    case 'logging/setLevel':
      return say({})
    case 'tools/call':
      return say(text(params.name === 'echo' ? String(params.arguments?.said) : 'played'))
  }
  return { jsonrpc: '2.0', id, error: { code: -32601, message: 'Method not found' } }
}
