// What a client cannot be asked, and the error that its server hears in place of an answer: that of a client which is connected directly.

import { isObject } from '../protocol/is-object.ts'
import { code } from '../protocol/names.ts'
import type { ClientCapabilities } from './call.ts'

/** The path of the capability that the client lacks for this question (`elicitation.url`); undefined where it may be asked. */
export function lacking(capabilities: ClientCapabilities, method: string, params: unknown): string | undefined {
  const fields = isObject(params) ? params : {}
  switch (method) {
    case 'roots/list':
      return capabilities.roots === undefined ? 'roots' : undefined
    case 'sampling/createMessage': {
      if (capabilities.sampling === undefined) return 'sampling'
      const wantsTools = fields.tools !== undefined || fields.toolChoice !== undefined
      return wantsTools && capabilities.sampling.tools === undefined ? 'sampling.tools' : undefined
    }
    case 'elicitation/create': {
      const { elicitation } = capabilities
      if (fields.mode === 'url') return elicitation?.url === undefined ? 'elicitation.url' : undefined
      if (elicitation === undefined) return 'elicitation'
      // A bare `elicitation: {}` means forms.
      return elicitation.form === undefined && elicitation.url !== undefined ? 'elicitation.form' : undefined
    }
    default:
      return method
  }
}

/** A client that has the method and not the mode says that the params are wrong, else it has no such method (MCP 2025-11-25, error handling). */
export function refusalFor(
  capabilities: ClientCapabilities,
  method: string,
  lack: string,
): { readonly code: number; readonly message: string } {
  const has =
    method === 'elicitation/create' ? capabilities.elicitation : method === 'sampling/createMessage' ? capabilities.sampling : undefined
  return { code: has === undefined ? code.methodNotFound : code.invalidParams, message: `Client does not support ${words[lack] ?? lack}` }
}

const words: Readonly<Record<string, string>> = {
  'elicitation.url': 'URL-mode elicitation',
  'elicitation.form': 'form-mode elicitation',
  'sampling.tools': 'sampling with tools',
}
