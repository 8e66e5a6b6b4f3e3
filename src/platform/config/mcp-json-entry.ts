// Reads one entry of a client file, in the words of any client that is known here, into one form. Texts keep their places, since variables
// are filled in later; what is wrong and what is lost is named by place, and never more than this entry is at fault.
import { isObject } from '../../core/protocol/is-object.ts'
import { lostMembers, type Remark } from './mcp-json-lost.ts'
import type { Path } from './problem.ts'
import type { Source } from './source.ts'

export type Fields = Record<string, unknown>

/** Text of the file, and where it stands. */
export interface Text {
  readonly text: string
  readonly path: Path
}

export interface StdioEntry {
  readonly kind: 'stdio'
  readonly command: Text
  readonly args: readonly Text[]
  readonly env: ReadonlyMap<string, Text>
  readonly cwd: Text | undefined
  readonly envFile: Text | undefined
  /** Names of variables that the child has from the gateway's own environment, where they are set. */
  readonly inherited: readonly Text[]
}

export interface HttpEntry {
  readonly kind: 'http'
  readonly transport: 'auto' | 'streamable-http' | 'sse'
  readonly url: Text
  readonly headers: ReadonlyMap<string, Text>
  /** Name of the variable that holds the bearer token. */
  readonly bearer: Text | undefined
  /** Headers by the name of the variable that holds their value; absent where it is not set. */
  readonly headersFromEnv: ReadonlyMap<string, Text>
}

export interface EntryRead {
  /** Undefined where the entry cannot be served; then `wrong` says why. */
  readonly entry: StdioEntry | HttpEntry | undefined
  readonly wrong: readonly Remark[]
  /** What is not taken over. */
  readonly lost: readonly Remark[]
}

/** Switched off in the file, in any client's words. */
export function isDisabled(raw: unknown): boolean {
  if (!isObject(raw)) return false
  return raw.disabled === true || raw.disabled === 'true' || raw.enabled === false || raw.enabled === 'false'
}

/** Says how a server is reached, whether or not it can be. */
export function looksLikeServer(raw: unknown): boolean {
  return isObject(raw) && [...commandKeys, ...urlKeys].some((key) => Object.hasOwn(raw, key))
}

export function readEntry(raw: unknown, path: Path, written: Source['written']): EntryRead {
  const reader = new EntryReader(path, written)
  const entry = reader.read(raw)
  return { entry: reader.wrong.length === 0 ? entry : undefined, wrong: reader.wrong, lost: reader.lost }
}

// In the order in which they win. `cmd`, `envs`, `uri`: Goose; `environment`: opencode; `httpUrl`: Gemini CLI; `serverUrl`: Windsurf.
const commandKeys = ['command', 'cmd'] as const
const urlKeys = ['httpUrl', 'url', 'serverUrl', 'uri'] as const
const envKeys = ['env', 'environment', 'envs'] as const
const headerKeys = ['headers', 'http_headers'] as const
const typeKeys = ['type', 'transport', 'transportType'] as const

type Kind = 'stdio' | HttpEntry['transport']

/** By their letters alone, in lower case. */
const transports: Readonly<Record<string, Kind>> = {
  stdio: 'stdio',
  local: 'stdio',
  command: 'stdio',
  process: 'stdio',
  http: 'auto',
  https: 'auto',
  remote: 'auto',
  url: 'auto',
  streamablehttp: 'streamable-http',
  streamable: 'streamable-http',
  httpstream: 'streamable-http',
  sse: 'sse',
  httpsse: 'sse',
}

const known = new Set<string>([
  ...commandKeys,
  ...urlKeys,
  ...envKeys,
  ...headerKeys,
  ...typeKeys,
  'args',
  'cwd',
  'envFile',
  'env_vars',
  'bearer_token_env_var',
  'env_http_headers',
  'requestOptions',
  'disabled',
  'enabled',
])

class EntryReader {
  readonly wrong: Remark[] = []
  readonly lost: Remark[] = []
  readonly #path: Path
  readonly #written: Source['written']
  #raw: Fields = {}

  constructor(path: Path, written: Source['written']) {
    this.#path = path
    this.#written = written
  }

  read(raw: unknown): StdioEntry | HttpEntry | undefined {
    if (!isObject(raw)) {
      this.#fail([], `expected a mapping, got ${shapeOf(raw)}`, 'give `command` or `url`')
      return undefined
    }
    this.#raw = raw
    this.lost.push(...lostMembers(raw, this.#path, known))
    const kind = this.#kind()
    if (kind === undefined) return undefined
    return kind === 'stdio' ? this.#stdio() : this.#http(kind)
  }

  #stdio(): StdioEntry | undefined {
    const program = this.#program()
    if (program === undefined) return undefined
    return {
      kind: 'stdio',
      command: program.command,
      args: [...program.args, ...this.#args(this.#raw.args, ['args'])],
      env: new Map([...program.env, ...envKeys.flatMap((key) => [...this.#record(this.#raw[key], [key])])]),
      cwd: this.#text(['cwd']),
      envFile: this.#text(['envFile']),
      inherited: this.#inherited(),
    }
  }

  #http(transport: HttpEntry['transport']): HttpEntry | undefined {
    const url = this.#text(urlKeys)
    if (url === undefined) return undefined
    const { requestOptions } = this.#raw
    const nested = isObject(requestOptions) ? this.#record(requestOptions.headers, ['requestOptions', 'headers']) : []
    return {
      kind: 'http',
      transport,
      url,
      headers: new Map([...nested, ...headerKeys.flatMap((key) => [...this.#record(this.#raw[key], [key])])]),
      bearer: this.#text(['bearer_token_env_var']),
      headersFromEnv: this.#record(this.#raw.env_http_headers, ['env_http_headers']),
    }
  }

  #kind(): Kind | undefined {
    const hasProgram = this.#present(commandKeys) !== undefined
    const hasUrl = this.#present(urlKeys) !== undefined
    const key = this.#present(typeKeys)
    const said = key === undefined ? undefined : this.#raw[key]
    const letters = typeof said === 'string' ? said.toLowerCase().replace(/[^a-z]/g, '') : ''
    const kind = Object.hasOwn(transports, letters) ? transports[letters] : undefined
    if (key !== undefined && /^(wss?|websockets?)$/.test(letters)) {
      this.#fail([key], 'WebSocket is no transport of MCP', 'give the http:// or https:// address of the server')
      return undefined
    }
    if (kind !== undefined && (kind === 'stdio' ? hasProgram : hasUrl)) return kind
    if (hasProgram && hasUrl) {
      this.#fail([], 'has both `command` and `url`', 'keep one of them, or say which by `type`')
      return undefined
    }
    if (!hasProgram && !hasUrl) {
      this.#fail([], ...this.#whyUnreachable(said))
      return undefined
    }
    const found = hasProgram ? 'stdio' : 'auto'
    if (key !== undefined) {
      const what = `${shown(said)} ${kind === undefined ? 'is no transport that is known here' : 'does not fit the rest of the entry'}`
      this.lost.push(this.#remark([key], what, `it is taken for ${found === 'stdio' ? 'stdio' : 'http'}; write that, or remove the key`))
    }
    return found
  }

  #whyUnreachable(type: unknown): [what: string, mend: string] {
    const keys = Object.keys(this.#raw)
    if (keys.length === 0) return ['is empty', 'give `command` or `url`, or remove the entry']
    const empty = [...commandKeys, ...urlKeys].find((key) => keys.includes(key))
    if (empty !== undefined) return [`its \`${empty}\` is empty, and nothing else says how it is reached`, 'give `command` or `url`']
    if (this.#raw.source === 'extension' || (keys.includes('settings') && this.#raw.source === undefined)) {
      return ['is started by an extension of the editor, so that only the editor knows how', 'give its `command` or `url`']
    }
    if (type === 'builtin' || type === 'platform' || type === 'frontend') {
      return ['is built into its client', 'remove it here, or give the `command` or `url` of a server']
    }
    if (keys.every((key) => key === 'enabled' || key === 'disabled')) {
      return ['only switches on a server that another file describes', 'give its `command` or `url`']
    }
    return ['has neither `command` nor `url`', 'give one of them']
  }

  /** `command` is text, a list of program and arguments (opencode), or a mapping of `path`, `args` and `env` (older Zed). */
  #program(): Pick<StdioEntry, 'command' | 'args' | 'env'> | undefined {
    const key = this.#present(commandKeys)
    if (key === undefined) return undefined
    const value = this.#raw[key]
    if (Array.isArray(value)) {
      const [command, ...args] = this.#args(value, [key])
      return command === undefined ? undefined : { command, args, env: new Map() }
    }
    if (!isObject(value)) {
      const command = this.#asText(value, [key])
      return command === undefined ? undefined : { command, args: [], env: new Map() }
    }
    if (value.path === undefined || value.path === null || value.path === '') {
      this.#fail([key], 'names no program', 'write it as `path`, or give `command` as text')
      return undefined
    }
    const command = this.#asText(value.path, [key, 'path'])
    if (command === undefined) return undefined
    return { command, args: this.#args(value.args, [key, 'args']), env: this.#record(value.env, [key, 'env']) }
  }

  #args(value: unknown, at: Path): Text[] {
    if (value === undefined || value === null) return []
    if (!Array.isArray(value)) {
      this.#fail(at, `expected a list, got ${shapeOf(value)}`, 'write ["one", "two"]; there is no shell that would split it')
      return []
    }
    return value.flatMap((item, index) => this.#asText(item, [...at, index]) ?? [])
  }

  #record(value: unknown, at: Path): Map<string, Text> {
    const out = new Map<string, Text>()
    if (value === undefined || value === null) return out
    if (Array.isArray(value)) return this.#pairs(value, at)
    if (!isObject(value)) {
      this.#fail(at, `expected a mapping of names to text, got ${shapeOf(value)}`, 'write {"NAME": "value"}')
      return out
    }
    for (const [name, item] of Object.entries(value)) {
      // VS Code: null takes a variable away; our children start from an allow-list and have it only if it is given.
      const text = item === null ? undefined : this.#asText(item, [...at, name])
      if (text !== undefined) out.set(name, text)
    }
    return out
  }

  /** `["NAME=value"]`, as container tools write it. */
  #pairs(value: readonly unknown[], at: Path): Map<string, Text> {
    const out = new Map<string, Text>()
    for (const [index, item] of value.entries()) {
      const path = [...at, index]
      const split = typeof item === 'string' ? item.indexOf('=') : -1
      if (typeof item === 'string' && split > 0)
        out.set(item.slice(0, split), { text: item.slice(split + 1), path: [...this.#path, ...path] })
      else this.#fail(path, 'is no NAME=value', 'write a mapping, {"NAME": "value"}')
    }
    return out
  }

  /** `env_vars` of Codex: names, or mappings with a `name`. */
  #inherited(): Text[] {
    const { env_vars } = this.#raw
    if (env_vars === undefined || env_vars === null) return []
    const names = Array.isArray(env_vars) ? env_vars.map((each) => (isObject(each) ? each.name : each)) : env_vars
    return this.#args(names, ['env_vars'])
  }

  /** The first of the keys that says something: clients write null and empty text for nothing. */
  #present(keys: readonly string[]): string | undefined {
    return keys.find((key) => {
      const value = this.#raw[key]
      return value !== undefined && value !== null && value !== '' && !(Array.isArray(value) && value.length === 0)
    })
  }

  #text(keys: readonly string[]): Text | undefined {
    const key = this.#present(keys)
    return key === undefined ? undefined : this.#asText(this.#raw[key], [key])
  }

  #asText(value: unknown, at: Path): Text | undefined {
    const path = [...this.#path, ...at]
    if (typeof value === 'string') return { text: value, path }
    if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') {
      return { text: this.#written(path) ?? String(value), path }
    }
    this.#fail(at, `expected text, got ${shapeOf(value)}`, 'write it in quotes, or remove it')
    return undefined
  }

  #fail(at: Path, what: string, mend: string): void {
    this.wrong.push(this.#remark(at, what, mend))
  }

  #remark(at: Path, what: string, mend: string, part: Remark['part'] = 'value'): Remark {
    return { path: [...this.#path, ...at], what, mend, part }
  }
}

function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : shapeOf(value)
}

function shapeOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'string') return 'text'
  if (typeof value === 'boolean') return 'true or false'
  return typeof value === 'number' || typeof value === 'bigint' ? 'a number' : 'a mapping'
}
