// Turns the server entries of a client file, one by one, into the words of our own configuration. An entry that cannot work is named and
// stands alone; the others are served.

import { isAbsolute, resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { isObject } from '../../core/protocol/is-object.ts'
import { type Fields, type HttpEntry, isDisabled, readEntry, type StdioEntry, type Text } from './mcp-json-entry.ts'
import type { Listed } from './mcp-json-forms.ts'
import { type ClientInput, fillVariables, inputVariable, type VariableParts } from './mcp-json-variables.ts'
import { keyOf, type Path, type Problem } from './problem.ts'
import { type Broken, readText } from './read.ts'
import type { Source } from './source.ts'

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

/** Stands for an address that is not one, so that the entry can be shown as what it is; it is broken, and never dialled. */
const noAddress = 'http://unresolved.invalid/'

/** One run over one file; collects what is wrong and what is lost. */
export class ServerImport {
  readonly warnings: Problem[] = []
  readonly broken: Broken[] = []
  readonly secrets = new Set<string>()
  readonly #source: Source
  readonly #options: ImportOptions
  readonly #inputs = new Map<string, ClientInput>()
  readonly #answers = new Map<string, string>()
  readonly #variables: VariableParts
  /** Where the entry that is read stands. */
  #entry: Path = []

  constructor(source: Source, options: ImportOptions, { inputs, spelling }: Pick<Listed, 'inputs' | 'spelling'>) {
    this.#source = source
    this.#options = options
    const { env, workspaceFolder } = options
    this.#variables = { env, workspaceFolder, spelling, inputs: this.#inputs, answers: this.#answers }
    if (inputs === undefined || !Array.isArray(inputs.value)) return
    for (const [index, raw] of inputs.value.entries()) {
      const input = isObject(raw) ? readInput(raw) : undefined
      if (input === undefined)
        this.warn([...inputs.path, index], 'is no input that is known here', 'give `id` and `type: promptString` or `pickString`')
      else this.#inputs.set(input.id, input)
    }
  }

  warn(path: Path, what: string, mend: string, part: 'key' | 'value' = 'value'): void {
    this.warnings.push(this.#source.problem(path, what, mend, part))
  }

  /** Asks once for each input that an enabled server refers to and that no variable answers. */
  async askInputs(servers: Listed['servers']): Promise<void> {
    for (const [id, input] of this.#inputs) {
      const fromEnv = this.#options.env[inputVariable(id)]
      const used = servers.some(({ raw, off }) => !off && !isDisabled(raw) && mentions(raw, `\${input:${id}}`))
      if (!used) continue
      let answer = fromEnv
      if (answer === undefined) answer = this.#options.ask === undefined ? input.default : await this.#options.ask(input)
      if (answer === undefined || answer === '') continue
      this.#answers.set(id, answer)
      if (input.password || fromEnv !== undefined) this.#keepSecret(answer)
    }
  }

  /** Undefined where not even its form is known; what is wrong stands in `broken`. */
  server(name: string, raw: unknown, path: Path): ImportedServer | undefined {
    this.#entry = path
    const { entry, wrong, lost } = readEntry(raw, path, this.#source.written)
    for (const { path: at, what, mend, part } of lost) this.warn(at, what, mend, part)
    for (const { path: at, what, mend } of wrong) this.#break(name, at, what, mend)
    if (entry === undefined) return undefined
    return entry.kind === 'stdio' ? this.#stdio(name, entry) : this.#http(name, entry)
  }

  #break(name: string, path: Path, what: string, mend: string): void {
    const problem = this.#source.problem(path, what, mend)
    const key = path.length > this.#entry.length ? `${keyOf(path.slice(this.#entry.length))}, ` : ''
    const reason = `${what} (${key}${problem.file}:${problem.line}); ${mend}`
    if (!this.broken.some((each) => each.name === name && each.reason === reason))
      this.broken.push({ group: 'servers', name, reason, problem })
  }

  #stdio(name: string, entry: StdioEntry): ImportedServer {
    const { workspaceFolder, env } = this.#options
    const cwd = entry.cwd === undefined ? workspaceFolder : resolve(workspaceFolder, this.#fill(name, entry.cwd))
    const inherited: Record<string, string> = {}
    for (const { text } of entry.inherited) {
      const value = env[text]
      if (value !== undefined) inherited[text] = value
    }
    return {
      command: this.#fill(name, entry.command),
      args: entry.args.map((arg) => this.#secretly(name, arg)),
      env: { ...inherited, ...this.#envFile(name, entry.envFile), ...this.#record(name, entry.env) },
      cwd,
    }
  }

  #http(name: string, entry: HttpEntry): ImportedServer {
    const { bearer, headersFromEnv, transport } = entry
    const headers: Record<string, string> = {}
    for (const [header, { text, path }] of headersFromEnv) {
      const value = this.#options.env[text]
      if (value === undefined || value === '') this.warn(path, `the environment variable ${text} is not set`, 'the header is not sent')
      else {
        headers[header] = value
        this.#keepSecret(value)
      }
    }
    Object.assign(headers, this.#record(name, entry.headers))
    if (bearer !== undefined) headers.Authorization = `Bearer ${this.#ofVariable(name, bearer)}`
    return { url: this.#address(name, entry.url), headers, transport }
  }

  #address(name: string, written: Text): string {
    const before = this.broken.length
    const url = this.#fill(name, written).trim()
    if (this.broken.length > before) return noAddress
    const wrong = whyNoAddress(url, written.text.trim() === url)
    if (wrong === undefined) return url
    this.#break(name, written.path, ...wrong)
    return noAddress
  }

  #record(name: string, record: ReadonlyMap<string, Text>): Record<string, string> {
    const out: Record<string, string> = {}
    for (const [key, text] of record) {
      Object.defineProperty(out, key, { value: this.#secretly(name, text), enumerable: true, writable: true, configurable: true })
    }
    return out
  }

  #envFile(name: string, written: Text | undefined): Record<string, string> {
    if (written === undefined) return {}
    const filled = this.#fill(name, written)
    const file = isAbsolute(filled) ? filled : resolve(this.#options.workspaceFolder, filled)
    const text = readText(file)
    if (typeof text !== 'string') {
      this.#break(name, written.path, `the envFile ${file} ${text.what}`, 'create it, or remove the key')
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

  #ofVariable(name: string, { text: variable, path }: Text): string {
    const value = this.#options.env[variable]
    if (value === undefined || value === '') {
      const what = `the environment variable ${variable} is ${value === undefined ? 'not set' : 'empty'}`
      this.#break(name, path, what, `set ${variable} before the start`)
      return ''
    }
    this.#keepSecret(value)
    return value
  }

  /** Text whose variables may hold what must not be shown. */
  #secretly(name: string, text: Text): string {
    const literal = /^\$([A-Za-z_]\w*)$/.exec(text.text)?.[1]
    if (literal !== undefined && this.#variables.spelling === 'braces') {
      this.warn(text.path, 'is sent as it is written, dollar sign and all', `write \${${literal}} for the variable`)
    }
    return this.#fill(name, text, (value) => this.#keepSecret(value))
  }

  #fill(name: string, { text, path }: Text, yielded?: (value: string) => void): string {
    const filled = fillVariables(text, this.#variables)
    for (const [what, mend] of filled.missing) this.#break(name, path, what, mend)
    if (yielded !== undefined) filled.yielded.forEach(yielded)
    return filled.text
  }

  #keepSecret(value: string): void {
    if (value.length >= 4) this.secrets.add(value)
  }
}

/** What is wrong with an address, without repeating what may be a password or what a variable yielded. */
function whyNoAddress(url: string, asWritten: boolean): [what: string, mend: string] | undefined {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed?.protocol === 'http:' || parsed?.protocol === 'https:') return undefined
  if (/^wss?:/i.test(url)) return ['WebSocket is no transport of MCP', 'give the http:// or https:// address of the server']
  if (/^(?!https?:)[a-z][a-z0-9+.-]*:\/\//i.test(url))
    return [`${url.slice(0, url.indexOf(':') + 1)} is no protocol of MCP servers`, 'use http:// or https://']
  const host = /^(?:\/\/)?((?:\[[0-9a-f:]+\]|[a-z0-9_.-]+)(?::\d+)?(?:[/?#].*)?)$/i.exec(url)?.[1]
  if (host === undefined || !asWritten || url.startsWith('/')) return ['is no address', 'write it in full, for example https://host/mcp']
  const scheme = /^(localhost|127\.|\[|10\.|192\.168\.|[^./]+(:|$))/i.test(host) ? 'http' : 'https'
  return ['the address has no scheme', `write ${scheme}://${host}`]
}

function readInput(raw: Fields): ClientInput | undefined {
  const { id, type, description, password, options, default: preset } = raw
  if (typeof id !== 'string' || (type !== 'promptString' && type !== 'pickString')) return undefined
  return {
    id,
    description: typeof description === 'string' ? description : id,
    password: password === true,
    options: Array.isArray(options) ? options.map((each) => (isObject(each) ? String(each.value ?? each.label) : String(each))) : undefined,
    default: typeof preset === 'string' ? preset : undefined,
  }
}

function mentions(value: unknown, text: string): boolean {
  if (typeof value === 'string') return value.includes(text)
  if (typeof value !== 'object' || value === null) return false
  return Object.values(value).some((each) => mentions(each, text))
}
