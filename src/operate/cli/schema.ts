// `signalbox schema`: the JSON Schema of the configuration file, for editors.
import { z } from 'zod'
import { settingsSchema } from '../../assembly/settings.ts'
import { type ExitCode, exit } from './exit.ts'

export function configurationSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(settingsSchema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => allowReferences(jsonSchema),
  })
  return { $schema, title: 'Configuration of Signalbox', ...schema }
}

/** An address with a `${env:…}` in it is no URI for an editor, but it will be one. */
function allowReferences(schema: { format?: string | undefined }): void {
  if (schema.format === 'uri') delete schema.format
}

export async function schema(): Promise<ExitCode> {
  process.stdout.write(`${JSON.stringify(configurationSchema(), null, 2)}\n`)
  return exit.ok
}
