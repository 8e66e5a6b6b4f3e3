// Answers the questions of a tool (`input_required`) on the terminal: form fields one by one, addresses to open shown in full.
import { forTerminal } from '../../core/text/terminal.ts'
import { ClientProblem } from '../client/client.ts'
import { askLine, hasTerminal } from './ask.ts'

export interface Questions {
  readonly inputRequests?: Readonly<Record<string, { readonly method: string; readonly params?: Readonly<Record<string, unknown>> }>>
  readonly requestState?: string
}

/** Members for the `params` of the next leg, as JSON text. Rejects where nobody can answer. */
export async function answerQuestions(questions: Questions): Promise<Readonly<Record<string, string>>> {
  const state = questions.requestState === undefined ? {} : { requestState: JSON.stringify(questions.requestState) }
  const asked = Object.entries(questions.inputRequests ?? {})
  if (asked.length === 0) return state
  if (!hasTerminal())
    throw new ClientProblem('The tool asks a question, and there is no terminal to answer on. Run the command on a terminal.')
  const responses: Record<string, unknown> = {}
  for (const [key, question] of asked) responses[key] = await answerOne(question.method, question.params ?? {})
  return { ...state, inputResponses: JSON.stringify(responses) }
}

async function answerOne(method: string, params: Readonly<Record<string, unknown>>): Promise<unknown> {
  if (method !== 'elicitation/create') throw new ClientProblem(`The tool asks for ${method}, which this command cannot give.`)
  process.stderr.write(`${forTerminal(String(params.message ?? 'The tool asks:'))}\n`)
  if (params.mode === 'url') {
    process.stderr.write(`Open this address yourself if you trust it: ${forTerminal(String(params.url))}\n`)
    return { action: isYes(await askLine('Done? (yes, no) ', false)) ? 'accept' : 'decline' }
  }
  const schema = (params.requestedSchema ?? {}) as { properties?: Record<string, Field>; required?: readonly string[] }
  const content: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const value = await askField(name, field, schema.required?.includes(name) === true)
    if (value !== undefined) content[name] = value
  }
  return { action: 'accept', content }
}

interface Field {
  readonly type?: string
  readonly title?: string
  readonly description?: string
  readonly enum?: readonly unknown[]
  readonly default?: unknown
}

async function askField(name: string, field: Field, required: boolean): Promise<unknown> {
  const choices = field.enum ?? (field.type === 'boolean' ? ['yes', 'no'] : undefined)
  const hint = [choices?.join(', '), required ? undefined : 'may be empty'].filter((part) => part !== undefined).join('; ')
  for (;;) {
    const text = (await askLine(`  ${field.title ?? field.description ?? name}${hint === '' ? '' : ` (${hint})`}: `, false)).trim()
    if (text === '' && field.default !== undefined) return field.default
    if (text === '' && !required) return undefined
    if (field.type === 'boolean' && /^(y|yes|true|n|no|false)$/i.test(text)) return isYes(text)
    if ((field.type === 'integer' || field.type === 'number') && text !== '' && Number.isFinite(Number(text))) return Number(text)
    if (field.type === 'string' && text !== '' && (field.enum === undefined || field.enum.includes(text))) return text
    if (field.type === 'array' && text !== '') return text.split(',').map((part) => part.trim())
  }
}

function isYes(text: string): boolean {
  return /^(y|yes|true)$/i.test(text.trim())
}
