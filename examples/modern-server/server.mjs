#!/usr/bin/env node
import { Writable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
// A server of MCP 2026-07-28 over stdio, written with the official SDK: a small harbour with berths and ships. It shows what the modern
// revision has: headers from arguments, progress and log messages of one call, a question in the middle of a call, 64-bit integers.
import { acceptedContent, inputRequired, McpServer } from '@modelcontextprotocol/server'
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio'
import { z } from 'zod'

const berths = new Map([
  ['north', ['Aurora', 'Meridian']],
  ['south', ['Petrel']],
])
const quay = z.enum(['north', 'south'])

function harbour() {
  const server = new McpServer(
    { name: 'harbour', version: '1.0.0', title: 'Harbour' },
    {
      capabilities: { tools: {}, resources: {}, prompts: {}, logging: {} },
      instructions: 'A harbour with two quays. Ask which ships lie where, let one unload, or let one leave.',
    },
  )

  server.registerTool(
    'list-ships',
    {
      title: 'List ships',
      description: 'Names the ships that lie at a quay.',
      // A client repeats the argument in the header Mcp-Param-Quay, so that a proxy can route by it without reading the body.
      inputSchema: z.object({ quay: quay.meta({ 'x-mcp-header': 'Quay' }).describe('Which quay.') }),
      outputSchema: z.object({ quay, ships: z.array(z.string()) }),
      annotations: { readOnlyHint: true },
    },
    async ({ quay: where }) => {
      const result = { quay: where, ships: berths.get(where) ?? [] }
      return { content: [{ type: 'text', text: JSON.stringify(result) }], structuredContent: result }
    },
  )

  server.registerTool(
    'unload',
    {
      title: 'Unload a ship',
      description: 'Unloads a ship crate by crate, with progress and log messages on the way.',
      inputSchema: z.object({
        ship: z.string().describe('Name of the ship.'),
        crates: z.number().int().min(1).max(100).default(5).describe('How many crates.'),
      }),
      annotations: { idempotentHint: true },
    },
    async ({ ship, crates }, context) => {
      const { progressToken } = context.mcpReq._meta ?? {}
      for (let crate = 1; crate <= crates; crate++) {
        await pause(50, undefined, { signal: context.mcpReq.signal })
        if (progressToken !== undefined) {
          const params = { progressToken, progress: crate, total: crates, message: `crate ${crate} of ${ship}` }
          await context.mcpReq.notify({ method: 'notifications/progress', params })
        }
        await context.mcpReq.log('info', `crate ${crate} is ashore`, 'crane')
      }
      return { content: [{ type: 'text', text: `${crates} crates of ${ship} are ashore.` }] }
    },
  )

  server.registerTool(
    'depart',
    {
      title: 'Let a ship leave',
      description: 'Lets a ship leave the harbour, after somebody has confirmed it.',
      inputSchema: z.object({ ship: z.string().describe('Name of the ship.') }),
      annotations: { destructiveHint: true },
    },
    async ({ ship }, context) => {
      const answer = context.mcpReq.inputResponses?.confirm
      if (answer === undefined) {
        return inputRequired({
          inputRequests: {
            confirm: inputRequired.elicit({
              message: `Shall ${ship} leave now?`,
              requestedSchema: {
                type: 'object',
                properties: { leave: { type: 'boolean', title: 'Leave' }, pilot: { type: 'string', title: 'Name of the pilot' } },
                required: ['leave'],
              },
            }),
          },
        })
      }
      const content = acceptedContent(context.mcpReq.inputResponses, 'confirm')
      const text = content?.leave === true ? `${ship} has left${content.pilot ? ` with ${content.pilot}` : ''}.` : `${ship} stays.`
      return { content: [{ type: 'text', text }] }
    },
  )

  server.registerTool(
    'next-ticket',
    {
      title: 'Next ticket',
      description: 'Draws a ticket. Its number is a 64-bit integer, larger than JavaScript numbers can hold.',
      inputSchema: z.object({}),
    },
    async () => {
      ticket += 1n
      return { content: [{ type: 'text', text: `Ticket ${ticket}` }], structuredContent: { ticket: exactly(ticket) } }
    },
  )

  server.registerResource(
    'rules',
    'harbour://rules',
    { title: 'Rules of the harbour', description: 'What every ship has to know.', mimeType: 'text/markdown' },
    async (uri) => ({
      contents: [{ uri: uri.href, mimeType: 'text/markdown', text: '# Rules\n\n1. Three knots at most.\n2. Lights after dusk.\n' }],
    }),
  )

  server.registerPrompt(
    'shift-report',
    { title: 'Shift report', description: 'Asks for a report of one quay.', argsSchema: z.object({ quay }) },
    ({ quay: where }) => ({
      messages: [
        { role: 'user', content: { type: 'text', text: `Write a short report of the ${where} quay: who lies there, what was unloaded?` } },
      ],
    }),
  )
  return server
}

let ticket = 9_007_199_254_740_992n

/** JSON.stringify cannot write a BigInt as a number, so it travels as marked text until it is on its way out. */
function exactly(number) {
  return `int64:${number}`
}

const exactOutput = new Writable({
  write(chunk, _encoding, done) {
    process.stdout.write(String(chunk).replace(/"int64:(-?\d+)"/g, '$1'), done)
  },
})

serveStdio(harbour, { transport: new StdioServerTransport(process.stdin, exactOutput) })
