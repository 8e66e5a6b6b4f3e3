// The OpenAPI document of the admin door, made of its addresses.
import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import { jsonSchemaTransform } from 'fastify-type-provider-zod'
import { problemType } from './problem.ts'

/** What an answer is for people, where its schema says nothing. */
function described(responses: unknown): object {
  const entries = Object.entries((responses ?? {}) as Readonly<Record<string, object>>)
  return Object.fromEntries(entries.map(([status, one]) => [status, { 'x-response-description': 'What was asked for.', ...one }]))
}

/** `get_tools_server_tool_contracts`: the same as long as the address is. */
function operationIdOf(method: string, url: string): string {
  const parts = url.replace('/admin/v1', '').split(/\W+/)
  return [method.toLowerCase(), ...parts].filter((part) => part !== '').join('_')
}

const problem = {
  description: 'A refusal (RFC 9457): what is wrong, and what to do.',
  content: { [problemType]: { schema: { $ref: '#/components/schemas/Problem' } } },
}

export function documentOptions(): FastifyDynamicSwaggerOptions {
  return {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Admin API of Signalbox',
        description:
          'Each operation names the role that it needs (`x-role`). Lists go page by page: give `next` of a page as `cursor` of the following one.',
        version: '1',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/', description: 'The admin door (`admin.listen`)' }],
      security: [{ bearer: [] }],
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', description: 'An access token, a key, or what stands in `admin.token` of `stateDir`.' },
        },
        schemas: {
          Problem: {
            type: 'object',
            required: ['title', 'status', 'detail'],
            properties: {
              title: { type: 'string' },
              status: { type: 'integer' },
              detail: { type: 'string' },
              errors: {
                type: 'array',
                description: 'Of a request that is not as it has to be: where.',
                items: {
                  type: 'object',
                  required: ['detail'],
                  properties: {
                    pointer: { type: 'string', description: 'JSON Pointer into the body, as a fragment.' },
                    parameter: { type: 'string', description: 'Name of a parameter.' },
                    detail: { type: 'string' },
                  },
                },
              },
            },
          },
        },
      },
    },
    transform: (given) => {
      const { schema, url } = jsonSchemaTransform(given as Parameters<typeof jsonSchemaTransform>[0])
      if (schema.hide === true) return { schema, url }
      const role = given.route.config?.role
      const response = { ...described(schema.response), default: problem }
      const operationId = operationIdOf(String([given.route.method].flat()[0]), url)
      return { schema: { operationId, ...schema, response, 'x-role': role } as typeof schema, url }
    },
  }
}
