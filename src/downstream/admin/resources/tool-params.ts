// One tool of one server, as addresses name it.
import { z } from 'zod'

export const toolParams = z.object({
  server: z.string().describe('Name of the server in the configuration.'),
  tool: z.string().describe('Name of the tool at its server; a slash in it is written as %2F.'),
})
