// Reads the server entries of a client file, one by one, into the words of our own configuration: transports, variables, inputs.
import { homedir } from 'node:os'
import { basename, isAbsolute, resolve, sep } from 'node:path'
import { parseEnv } from 'node:util'
import { nearest } from '../../core/text/nearest.ts'
import type { Path, Problem } from './problem.ts'
import { type Broken, readText } from './read.ts'
import type { Source } from './source.ts'

/** An entry of `inputs` (VS Code) that the servers refer to. */
export interface ClientInput {
  readonly id: string
  readonly description: string
  /** Must not be shown while it is typed. */
  readonly password: boolean
  readonly options: readonly string[] | undefined
  readonly default: string | undefined
}

export interface ImportOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  /** What `${workspaceFolder}` means, and where relative paths start. */
  readonly workspaceFolder: string
  /** Asks a person. Undefined where there is no terminal: then the variable to set is named. */
  readonly ask: ((input: ClientInput) => Promise<string>) | undefined
}

/** One server in the words of our own configuration; values are filled in. */
export interface ImportedServer {
  readonly command?: string
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly url?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly transport?: 'auto' | 'streamable-http' | 'sse'
  readonly enabled?: boolean
}

/** The environment variable that answers an input where no terminal is. */
function inputVariable(id: string): string {
  return `SIGNALBOX_INPUT_${id.toUpperCase().replace(/[^A-Z0-9]+/g, '_')}`
}

export type Fields = Record<string, unknown>

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const transports: Readonly<Record<string, 'stdio' | 'auto' | 'streamable-http' | 'sse'>> = {
  stdio: 'stdio',
  http: 'auto',
  'streamable-http': 'streamable-http',
  streamableHttp: 'streamable-http',
  sse: 'sse',
}

/** Keys of clients that mean nothing to a gateway, with what to do in its stead. */
const notHonoured: Readonly<Record<string, string>> = {
  alwaysAllow: 'approval is the business of your client',
  autoApprove: 'approval is the business of your client',
  trust: 'approval is the business of your client',
  timeout: 'set `timeouts` of the server in a signalbox.yaml',
  oauth: 'the gateway does not log in to servers yet; give a token in `headers`',
  auth: 'the gateway does not log in to servers yet; give a token in `headers`',
  headersHelper: 'give the header in `headers`, with a variable',
  sandbox: 'run the server in a container if it must be confined',
  sandboxEnabled: 'run the server in a container if it must be confined',
  dev: 'it is for the development mode of the editor',
}

/** Only these say nothing about how a server is reached. */
const silent = new Set(['name', 'description', 'gallery', 'version', 'icon', 'title', '$schema'])
const known = new Set([
  'command',
  'args',
  'env',
  'cwd',
  'envFile',
  'url',
  'serverUrl',
  'httpUrl',
  'type',
  'transport',
  'headers',
  'disabled',
  'enabled',
])

/** One run over one file; collects what is wrong and what is lost. */
export class ServerImport {
  readonly problems: Problem[] = []
  readonly warnings: Problem[] = []
  readonly broken: Broken[] = []
  readonly secrets = new Set<string>()
  readonly #source: Source
  readonly #options: ImportOptions
  readonly #inputs = new Map<string, ClientInput>()
  readonly #answers = new Map<string, string>()

  constructor(source: Source, options: ImportOptions, inputs: unknown, root: Path) {
    this.#source = source
    this.#options = options
    if (!Array.isArray(inputs)) return
    for (const [index, raw] of inputs.entries()) {
      const input = isFields(raw) ? readInput(raw) : undefined
      if (input === undefined)
        this.warn([...root, 'inputs', index], 'is no input that is known here', 'give `id` and `type: promptString` or `pickString`')
      else this.#inputs.set(input.id, input)
    }
  }

  warn(path: Path, what: string, mend: string, part: 'key' | 'value' = 'value'): void {
    this.warnings.push(this.#source.problem(path, what, mend, part))
  }

  /** Asks once for each input that an enabled server refers to and that no variable answers. */
  async askInputs(servers: Fields): Promise<void> {
    for (const [id, input] of this.#inputs) {
      const fromEnv = this.#options.env[inputVariable(id)]
      const used = Object.values(servers).some((server) => isFields(server) && !isDisabled(server) && mentions(server, `\${input:${id}}`))
      if (!used) continue
      let answer = fromEnv
      if (answer === undefined) answer = this.#options.ask === undefined ? input.default : await this.#options.ask(input)
      if (answer === undefined || answer === '') continue
      this.#answers.set(id, answer)
      if (input.password || fromEnv !== undefined) this.#keepSecret(answer)
    }
  }

  server(name: string, raw: unknown, path: Path): ImportedServer | undefined {
    if (!isFields(raw)) {
      this.#fail(path, 'expected a mapping', 'give `command` or `url`')
      return undefined
    }
    for (const key of Object.keys(raw)) {
      if (known.has(key) || silent.has(key)) continue
      const near = nearest(key, known)[0]
      this.warn(
        [...path, key],
        'is not honoured',
        notHonoured[key] ?? (near === undefined ? 'remove it, or ignore this' : `did you mean ${near}?`),
        'key',
      )
    }
    const fill = (text: string, at: Path) => this.#fill(text, at, name)
    const enabled = isDisabled(raw) ? { enabled: false } : {}
    const kind = this.#kind(raw, path)
    if (kind === undefined) return undefined
    if (kind === 'stdio') {
      const command = this.#text(raw, 'command', path)
      if (command === undefined) return undefined
      const cwd = this.#text(raw, 'cwd', path)
      const folder = cwd === undefined ? this.#options.workspaceFolder : resolve(this.#options.workspaceFolder, fill(cwd, [...path, 'cwd']))
      return {
        command: fill(command, [...path, 'command']),
        args: this.#list(raw, path).map((arg, index) => fill(arg, [...path, 'args', index])),
        env: { ...this.#envFile(raw, path, name), ...this.#record(raw, 'env', path, fill) },
        cwd: folder,
        ...enabled,
      }
    }
    const key = ['url', 'serverUrl', 'httpUrl'].find((each) => raw[each] !== undefined) ?? 'url'
    const url = this.#text(raw, key, path)
    if (url === undefined) return undefined
    return { url: fill(url, [...path, key]), headers: this.#record(raw, 'headers', path, fill), transport: kind, ...enabled }
  }

  #kind(raw: Fields, path: Path): 'stdio' | 'auto' | 'streamable-http' | 'sse' | undefined {
    const hasUrl = raw.url !== undefined || raw.serverUrl !== undefined || raw.httpUrl !== undefined
    const hasCommand = raw.command !== undefined
    const key = raw.type === undefined ? 'transport' : 'type'
    const type = raw[key]
    if (type !== undefined) {
      const kind = typeof type === 'string' ? transports[type] : undefined
      if (kind === undefined) {
        this.#fail(
          [...path, key],
          `${JSON.stringify(type)} is no transport that is known here`,
          `use ${Object.keys(transports).join(', ')}`,
        )
        return undefined
      }
      if (kind === 'stdio' ? hasCommand : hasUrl) return kind
    }
    if (hasCommand && hasUrl) {
      this.#fail(path, 'has both `command` and `url`', 'keep one of them, or say which by `type`')
      return undefined
    }
    if (hasCommand) return 'stdio'
    if (hasUrl) return 'auto'
    this.#fail(path, 'has neither `command` nor `url`', 'give one of them')
    return undefined
  }

  #text(raw: Fields, key: string, path: Path): string | undefined {
    const value = raw[key]
    if (value === undefined || (typeof value === 'string' && value !== '')) return value
    this.#fail([...path, key], 'expected text', 'write it in quotes')
    return undefined
  }

  #list(raw: Fields, path: Path): string[] {
    const value = raw.args
    if (value === undefined) return []
    if (Array.isArray(value)) {
      value.forEach((item, index) => {
        if (typeof item !== 'string') this.#fail([...path, 'args', index], 'expected text', 'write it in quotes')
      })
      return value.filter((item): item is string => typeof item === 'string')
    }
    this.#fail([...path, 'args'], 'expected a list', 'write ["one", "two"]; there is no shell that would split it')
    return []
  }

  #record(raw: Fields, key: string, path: Path, fill: (text: string, at: Path) => string): Record<string, string> {
    const value = raw[key]
    const out: Record<string, string> = {}
    if (value === undefined || value === null) return out
    if (!isFields(value)) {
      this.#fail([...path, key], 'expected a mapping of names to text', 'write {"NAME": "value"}')
      return out
    }
    for (const [name, item] of Object.entries(value)) {
      // VS Code: null takes a variable away; our children start from an allow-list and have it only if it is given.
      if (item === null) continue
      if (typeof item === 'string') out[name] = fill(item, [...path, key, name])
      else if (typeof item === 'number' || typeof item === 'boolean') out[name] = String(item)
      else this.#fail([...path, key, name], 'expected text', 'write it in quotes')
    }
    return out
  }

  #envFile(raw: Fields, path: Path, name: string): Record<string, string> {
    const written = this.#text(raw, 'envFile', path)
    if (written === undefined) return {}
    const at = [...path, 'envFile']
    const filled = this.#fill(written, at, name)
    const file = isAbsolute(filled) ? filled : resolve(this.#options.workspaceFolder, filled)
    const text = readText(file)
    if (typeof text !== 'string') {
      this.#break(name, at, `the envFile ${file} ${text.what}`, 'create it, or remove the key')
      return {}
    }
    const out: Record<string, string> = {}
    for (const [key, value] of Object.entries(parseEnv(text))) {
      if (value === undefined) continue
      out[key] = value
      this.#keepSecret(value)
    }
    return out
  }

  #fill(text: string, path: Path, name: string): string {
    return text.replace(/\$\{([^}]*)\}/g, (whole, body: string) => {
      const { workspaceFolder, env } = this.#options
      if (body === 'workspaceFolder' || body === 'workspaceRoot' || body === 'cwd') return workspaceFolder
      if (body === 'workspaceFolderBasename') return basename(workspaceFolder)
      if (body === 'userHome') return homedir()
      if (body === '/' || body === 'pathSeparator') return sep
      if (body.startsWith('input:')) return this.#input(body.slice(6), path, name)
      const match = /^(?:env:)?([A-Za-z_]\w*)(?::-([\s\S]*))?$/.exec(body)
      if (match === null) {
        this.#break(name, path, `${whole} is no variable that is known here`, `write the value out, or take it from \${env:NAME}`)
        return ''
      }
      const variable = match[1] ?? ''
      const value = env[variable]
      if (value !== undefined && value !== '') {
        if (path.includes('env') || path.includes('headers') || path.includes('args')) this.#keepSecret(value)
        return value
      }
      if (match[2] !== undefined) return match[2]
      this.#break(
        name,
        path,
        `the environment variable ${variable} is ${value === undefined ? 'not set' : 'empty'}`,
        `set ${variable} before the start`,
      )
      return ''
    })
  }

  #input(id: string, path: Path, name: string): string {
    const answer = this.#answers.get(id)
    if (answer !== undefined) return answer
    const listed = this.#inputs.has(id)
    const what = listed ? `the input ${id} has no answer and there is no terminal to ask on` : `the input ${id} is not listed under inputs`
    this.#break(name, path, what, `set the environment variable ${inputVariable(id)}`)
    return ''
  }

  #keepSecret(value: string): void {
    if (value.length >= 4) this.secrets.add(value)
  }

  #break(name: string, path: Path, what: string, mend: string): void {
    const problem = this.#source.problem(path, what, mend)
    const reason = `${what} (${problem.file}:${problem.line}); ${mend}`
    if (!this.broken.some((each) => each.name === name && each.reason === reason))
      this.broken.push({ group: 'servers', name, reason, problem })
  }

  #fail(path: Path, what: string, mend: string): void {
    this.problems.push(this.#source.problem(path, what, mend))
  }
}

function readInput(raw: Fields): ClientInput | undefined {
  const { id, type, description, password, options, default: preset } = raw
  if (typeof id !== 'string' || (type !== 'promptString' && type !== 'pickString')) return undefined
  return {
    id,
    description: typeof description === 'string' ? description : id,
    password: password === true,
    options: Array.isArray(options) ? options.map((each) => (isFields(each) ? String(each.value ?? each.label) : String(each))) : undefined,
    default: typeof preset === 'string' ? preset : undefined,
  }
}

function isDisabled(raw: Fields): boolean {
  return raw.disabled === true || raw.enabled === false
}

function mentions(value: unknown, text: string): boolean {
  if (typeof value === 'string') return value.includes(text)
  if (typeof value !== 'object' || value === null) return false
  return Object.values(value).some((each) => mentions(each, text))
}
