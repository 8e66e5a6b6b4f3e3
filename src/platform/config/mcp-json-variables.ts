// The variables of client files, each client's in its own spelling: `${NAME}`, `${env:NAME}`, `${input:id}`, `{env:NAME}`, `$NAME`.
import { homedir } from 'node:os'
import { basename, isAbsolute, resolve, sep } from 'node:path'
import { readText } from './read.ts'

/**
 * How a client spells variables: `braces` is `${NAME}` and its kin (Claude Code, Cursor, VS Code, Windsurf); `dollar` knows `$NAME` beside
 * them (Gemini CLI, Copilot CLI); `opencode` is `{env:NAME}` and `{file:PATH}`; `none` sends all text as it is (Codex, Zed).
 */
export type Spelling = 'braces' | 'dollar' | 'opencode' | 'none'

/** An entry of `inputs` (VS Code) that the servers refer to. */
export interface ClientInput {
  readonly id: string
  readonly description: string
  /** Must not be shown while it is typed. */
  readonly password: boolean
  readonly options: readonly string[] | undefined
  readonly default: string | undefined
}

export interface VariableParts {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly workspaceFolder: string
  readonly spelling: Spelling
  readonly inputs: ReadonlyMap<string, ClientInput>
  readonly answers: ReadonlyMap<string, string>
}

export interface Filled {
  readonly text: string
  /** What the variables yielded. */
  readonly yielded: readonly string[]
  /** What could not be had: a reason and a mend each. */
  readonly missing: readonly (readonly [what: string, mend: string])[]
}

/** The environment variable that answers an input where no terminal is. */
export function inputVariable(id: string): string {
  return `SIGNALBOX_INPUT_${id.toUpperCase().replace(/[^A-Z0-9]+/g, '_')}`
}

export function fillVariables(text: string, parts: VariableParts): Filled {
  const yielded: string[] = []
  const missing: [string, string][] = []
  const taken = (found: Found): string => {
    if ('what' in found) {
      missing.push([found.what, found.mend])
      return ''
    }
    if (found.secret) yielded.push(found.text)
    return found.text
  }
  const { spelling } = parts
  if (spelling === 'none') return { text, yielded, missing }
  if (spelling === 'opencode') {
    const filled = text.replace(/\{(env|file):([^}]*)\}/g, (_, kind: string, name: string) =>
      taken(kind === 'env' ? fromEnvironment(name, undefined, parts) : fromFile(name, parts)),
    )
    return { text: filled, yielded, missing }
  }
  const filled = text.replace(/\$\{([^}]*)\}|\$([A-Za-z_]\w*)/g, (whole, body: string | undefined, bare: string | undefined) => {
    if (body !== undefined) return taken(inBraces(body, whole, parts))
    // A dollar sign may be just that; what is set is meant.
    const set = spelling === 'dollar' && bare !== undefined ? parts.env[bare] : undefined
    return set === undefined || set === '' ? whole : taken({ text: set, secret: true })
  })
  return { text: filled, yielded, missing }
}

type Found = { readonly text: string; readonly secret: boolean } | { readonly what: string; readonly mend: string }

function inBraces(body: string, whole: string, parts: VariableParts): Found {
  const { workspaceFolder } = parts
  const plain = (text: string): Found => ({ text, secret: false })
  if (body === 'workspaceFolder' || body === 'workspaceRoot' || body === 'cwd') return plain(workspaceFolder)
  if (body === 'workspaceFolderBasename') return plain(basename(workspaceFolder))
  if (body === 'userHome') return plain(homedir())
  if (body === '/' || body === 'pathSeparator') return plain(sep)
  if (body.startsWith('input:')) return fromInput(body.slice(6), parts)
  if (body.startsWith('file:')) return fromFile(body.slice(5), parts)
  const match = /^(?:env:)?([A-Za-z_]\w*)(?::-([\s\S]*))?$/.exec(body)
  if (match === null) {
    return { what: `${whole} is no variable that is known here`, mend: `write the value out, or take it from \${env:NAME}` }
  }
  return fromEnvironment(match[1] ?? '', match[2], parts)
}

function fromEnvironment(name: string, otherwise: string | undefined, { env }: VariableParts): Found {
  const value = env[name]
  if (value !== undefined && value !== '') return { text: value, secret: true }
  if (otherwise !== undefined) return { text: otherwise, secret: false }
  return { what: `the environment variable ${name} is ${value === undefined ? 'not set' : 'empty'}`, mend: `set ${name} before the start` }
}

function fromFile(path: string, { workspaceFolder }: VariableParts): Found {
  const home = path.startsWith('~/') ? `${homedir()}${path.slice(1)}` : path
  const file = isAbsolute(home) ? home : resolve(workspaceFolder, home)
  const text = readText(file)
  return typeof text === 'string'
    ? { text: text.replace(/\r?\n$/, ''), secret: true }
    : { what: `the file ${file} ${text.what}`, mend: text.mend }
}

function fromInput(id: string, { answers, inputs }: VariableParts): Found {
  const answer = answers.get(id)
  if (answer !== undefined) return { text: answer, secret: false }
  const what = inputs.has(id)
    ? `the input ${id} has no answer and there is no terminal to ask on`
    : `the input ${id} is not listed under inputs`
  return { what, mend: `set the environment variable ${inputVariable(id)}` }
}
