// Reads `tools.lock.json`. Whoever merges branches edits it by hand: what is wrong is said with its place and how to mend it, and what this
// program does not know is kept.
import { isObject } from '../../../core/protocol/is-object.ts'
import { countMembers, countParsed, elements, MalformedJson, members, skipSpace, skipValue } from '../../../core/protocol/scan.ts'
import { dateMs } from '../../../core/text/date.ts'
import { nearest } from '../../../core/text/nearest.ts'
import { type AdapterOp, isOp, mostOps } from '../adapters.ts'
import {
  type Brownout,
  definitionIn,
  type IgnoreRule,
  type LockedAdapter,
  type LockedDeprecation,
  type LockedServer,
  type LockedTool,
  type LockFile,
  type LockStatus,
  lockStatuses,
  lockVersion,
  readToolName,
  toolMembers,
  type Unknown,
} from './lock-file.ts'

export interface LockProblem {
  /** From 1. */
  readonly line: number
  readonly column: number
  /** Dotted path; '' is the file itself. */
  readonly key: string
  readonly what: string
  readonly mend: string
}

export type LockReading = { readonly ok: true; readonly lock: LockFile } | { readonly ok: false; readonly problems: readonly LockProblem[] }

const anew = 'remove it and write it anew with `signalbox tools lock`'

type Path = readonly (string | number)[]

/** Never throws for what the file holds. */
export function readLock(bytes: Uint8Array): LockReading {
  const whole = syntax(bytes)
  if ('what' in whole) return { ok: false, problems: [whole] }
  const reader = new Reader(bytes)
  const lock = reader.read(whole.value)
  return reader.problems.length === 0 ? { ok: true, lock } : { ok: false, problems: reader.problems }
}

/** Where the key of a tool stands, from 1; 1 where it does not. */
export function lineOfTool(bytes: Uint8Array, server: string, tool: string): number {
  try {
    return placeOf(bytes, keyAt(bytes, ['servers', server, 'tools', tool]) ?? 0).line
  } catch (error) {
    if (error instanceof MalformedJson) return 1
    throw error
  }
}

function syntax(bytes: Uint8Array): { readonly value: unknown } | LockProblem {
  const at = (offset: number, what: string, mend: string): LockProblem => ({ ...placeOf(bytes, offset), key: '', what, mend })
  const conflict = mergeConflict(bytes)
  if (conflict !== undefined) {
    return at(conflict, 'has the marks of a merge that was not finished', 'take one side whole, then run `signalbox tools lock`')
  }
  const start = skipSpace(bytes, startsWithMark(bytes) ? 3 : 0)
  try {
    const end = skipSpace(bytes, skipValue(bytes, start))
    if (end !== bytes.length) return at(end, 'goes on after its end', 'remove what follows the last closing brace')
    const value: unknown = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset + start, bytes.length - start).toString('utf8'))
    if (countMembers(bytes.subarray(start)) === countParsed(value)) return { value }
    const twice = repeatedKey(bytes, start)
    return at(twice?.at ?? start, `has ${JSON.stringify(twice?.key ?? '')} twice in one object`, 'keep one of them')
  } catch (error) {
    if (error instanceof MalformedJson)
      return at(error.at, `is no JSON (${error.message.replace(/ at byte \d+$/, '')})`, `mend it here, or ${anew}`)
    if (error instanceof SyntaxError) return at(start, `is no JSON (${error.message})`, anew)
    throw error
  }
}

function startsWithMark(bytes: Uint8Array): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
}

function mergeConflict(bytes: Uint8Array): number | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (const mark of ['<<<<<<< ', '>>>>>>> ']) {
    const at = text.indexOf(mark)
    if (at === 0 || (at > 0 && text[at - 1] === 0x0a)) return at
  }
  return undefined
}

/** The innermost first: the outer are only walked to find them. */
function repeatedKey(bytes: Uint8Array, at: number): { readonly key: string; readonly at: number } | undefined {
  if (bytes[at] === 0x5b)
    return first(
      elements(bytes, at).map(({ start }) => start),
      (start) => repeatedKey(bytes, start),
    )
  if (bytes[at] !== 0x7b) return undefined
  const seen = new Set<string>()
  for (const { key, keyAt, start } of members(bytes, at)) {
    if (seen.has(key)) return { key, at: keyAt }
    seen.add(key)
    const below = repeatedKey(bytes, start)
    if (below !== undefined) return below
  }
  return undefined
}

function first<T, R>(values: readonly T[], look: (value: T) => R | undefined): R | undefined {
  for (const value of values) {
    const found = look(value)
    if (found !== undefined) return found
  }
  return undefined
}

function placeOf(bytes: Uint8Array, offset: number): { readonly line: number; readonly column: number } {
  let line = 1
  let lineStart = 0
  for (let i = 0; i < offset; i += 1) {
    if (bytes[i] !== 0x0a) continue
    line += 1
    lineStart = i + 1
  }
  return { line, column: Buffer.from(bytes.subarray(lineStart, offset)).toString('utf8').length + 1 }
}

/** Where the last key of the path stands, or as much of the path as there is. */
function keyAt(bytes: Uint8Array, path: Path): number | undefined {
  let at = skipSpace(bytes, startsWithMark(bytes) ? 3 : 0)
  let key: number | undefined
  for (const step of path) {
    if (typeof step === 'number' && bytes[at] === 0x5b) {
      const element = elements(bytes, at)[step]
      if (element === undefined) return key
      key = element.start
      at = element.start
    } else if (bytes[at] === 0x7b) {
      const member = members(bytes, at).find((one) => one.key === step)
      if (member === undefined) return key
      key = member.keyAt
      at = member.start
    } else return key
  }
  return key
}

const day = /^\d{4}-\d{2}-\d{2}$/

class Reader {
  readonly problems: LockProblem[] = []
  private readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  read(value: unknown): LockFile {
    const whole = this.object(value, [], 'a lock file')
    const version = whole.lockVersion
    if (version !== lockVersion) {
      const newer = typeof version === 'number' && version > lockVersion
      this.problem(
        ['lockVersion'],
        newer ? `is ${version}; this program reads ${lockVersion}` : `has to be ${lockVersion}`,
        newer ? 'use the newer Signalbox that wrote it' : `${anew}, if this is a lock file`,
      )
      return { servers: new Map(), ignore: [], unknown: {} }
    }
    if (whole.formula !== undefined) this.text(whole.formula, ['formula'])
    const servers = Object.entries(this.object(whole.servers ?? {}, ['servers'], 'servers by their names'))
    const ignore = this.list(whole.ignore ?? [], ['ignore'])
    return {
      servers: new Map(servers.map(([name, server]) => [name, this.server(server, ['servers', name])])),
      ignore: ignore.flatMap((rule, index) => this.rule(rule, ['ignore', index])),
      unknown: others(whole, new Set(['lockVersion', 'formula', 'servers', 'ignore'])),
    }
  }

  private server(value: unknown, path: Path): LockedServer {
    const server = this.object(value, path, 'a server')
    const tools = Object.entries(this.object(server.tools ?? {}, [...path, 'tools'], 'tools by their names'))
    return {
      identity: this.textOrNull(server.identity, [...path, 'identity']),
      tools: new Map(tools.map(([name, tool]) => [name, this.tool(name, tool, [...path, 'tools', name])])),
      unknown: others(server, new Set(['identity', 'tools'])),
    }
  }

  private tool(name: string, value: unknown, path: Path): LockedTool {
    const tool = this.object(value, path, 'a tool')
    const status = tool.status
    if (!lockStatuses.includes(status as LockStatus)) {
      const [near] = nearest(String(status), lockStatuses)
      this.problem(
        [...path, 'status'],
        `has to be ${lockStatuses.join(', ')}`,
        near === undefined ? 'write one of them' : `did you mean ${near}?`,
      )
    }
    if (tool.other !== undefined) this.object(tool.other, [...path, 'other'], 'the other members of the definition')
    if (tool.description !== undefined) this.text(tool.description, [...path, 'description'])
    for (const member of ['input', 'output', 'annotations'] as const) {
      if (tool[member] === undefined && member !== 'input')
        this.problem([...path, member], 'is missing', 'write null where the tool has none')
    }
    return {
      contract: this.digest(tool.contract, [...path, 'contract'], 'c'),
      hints: this.digest(tool.hints, [...path, 'hints'], 'h'),
      prose: this.digest(tool.prose, [...path, 'prose'], 'p'),
      status: status as LockStatus,
      by: this.textOrNull(tool.by, [...path, 'by']),
      reason: this.textOrNull(tool.reason, [...path, 'reason']),
      definition: definitionIn(name, tool),
      deprecated: this.deprecation(tool.deprecated, [...path, 'deprecated']),
      adapter: this.adapter(tool.adapter, [...path, 'adapter']),
      unknown: others(tool, toolMembers),
    }
  }

  private deprecation(value: unknown, path: Path): LockedDeprecation | null {
    if (value === undefined || value === null) return null
    const plan = this.object(value, path, 'null, or {from, sunset, replacement, brownouts}')
    const brownouts = this.list(plan.brownouts ?? [], [...path, 'brownouts']).map((one, index): Brownout => {
      const at = [...path, 'brownouts', index]
      const brownout = this.object(one, at, '{at, minutes}')
      const { minutes } = brownout
      if (typeof minutes !== 'number' || !(minutes > 0))
        this.problem([...at, 'minutes'], 'has to be a number above 0', 'write how long it lasts')
      return { at: this.date(brownout.at, [...at, 'at']), minutes: minutes as number }
    })
    return {
      from: this.date(plan.from, [...path, 'from']),
      sunset: this.date(plan.sunset, [...path, 'sunset']),
      replacement: this.textOrNull(plan.replacement, [...path, 'replacement']),
      brownouts,
    }
  }

  private adapter(value: unknown, path: Path): LockedAdapter | null {
    if (value === undefined || value === null) return null
    const form = 'null, or {contract, hints, input, output}, as `signalbox tools approve --lock --adapter` writes it'
    const adapter = this.object(value, path, form)
    const { override = false } = adapter
    if (typeof override !== 'boolean') this.problem([...path, 'override'], 'has to be true or false', 'leave it out where it is proved')
    for (const key of Object.keys(adapter)) {
      if (!adapterMembers.has(key)) this.problem([...path, key], 'is no part of an adapter', `write ${[...adapterMembers].join(', ')}`)
    }
    const reason = this.textOrNull(adapter.reason, [...path, 'reason'])
    if (override === true && (reason === null || reason === ''))
      this.problem([...path, 'reason'], 'is missing', 'say why what is not proved is put into force')
    return {
      contract: this.digest(adapter.contract, [...path, 'contract'], 'c'),
      hints: this.digest(adapter.hints, [...path, 'hints'], 'h'),
      input: this.operations(adapter.input, [...path, 'input']),
      output: this.operations(adapter.output, [...path, 'output']),
      override: override === true,
      by: this.textOrNull(adapter.by, [...path, 'by']),
      reason,
    }
  }

  private operations(value: unknown, path: Path): readonly AdapterOp[] {
    const all = this.list(value ?? [], path)
    if (all.length > mostOps) this.problem(path, `has more than ${mostOps} operations`, 'write those that a call needs')
    return all.flatMap((one, index) => {
      if (isOp(one)) return [one]
      this.problem(
        [...path, index],
        'is no operation',
        'write {"op": "rename", "from": "a", "to": "b"}, {"op": "set", "name": "a", "value": 1}, {"op": "drop", "name": "a"} or {"op": "wrap", "name": "a"}',
      )
      return []
    })
  }

  private rule(value: unknown, path: Path): IgnoreRule[] {
    const rule = this.object(value, path, '{tool, rule, pointer, until}')
    const whose = readToolName(this.text(rule.tool, [...path, 'tool']))
    if (whose === undefined) this.problem([...path, 'tool'], 'names no tool', 'write server.tool')
    const until = this.text(rule.until, [...path, 'until'])
    if (!day.test(until) || dateMs(until) === undefined) {
      this.problem([...path, 'until'], 'has to be a day', 'write the last day on which the change is accepted, as YYYY-MM-DD')
    }
    const read = {
      rule: this.text(rule.rule, [...path, 'rule']),
      pointer: this.text(rule.pointer, [...path, 'pointer']),
      until,
      reason: this.textOrNull(rule.reason, [...path, 'reason']),
    }
    for (const key of Object.keys(rule)) {
      if (!ruleMembers.has(key)) this.problem([...path, key], 'is no part of a rule', `write ${[...ruleMembers].join(', ')}`)
    }
    return whose === undefined ? [] : [{ ...whose, ...read }]
  }

  private digest(value: unknown, path: Path, letter: string): string {
    if (typeof value === 'string' && new RegExp(`^${letter}[1-9]\\d*:[0-9a-f]{16,128}$`).test(value)) return value
    this.problem(path, `has to be a digest, as ${letter}1:9c59…`, anew)
    return ''
  }

  private date(value: unknown, path: Path): string {
    if (typeof value === 'string' && dateMs(value) !== undefined) return value
    this.problem(path, 'has to be a date', 'write YYYY-MM-DD, or with a time behind it: YYYY-MM-DDThh:mm:ssZ')
    return ''
  }

  private object(value: unknown, path: Path, what: string): Readonly<Record<string, unknown>> {
    if (isObject(value)) return value
    this.problem(path, `has to be an object: ${what}`, anew)
    return {}
  }

  private list(value: unknown, path: Path): readonly unknown[] {
    if (Array.isArray(value)) return value
    this.problem(path, 'has to be a list', 'write [] where there is nothing')
    return []
  }

  private text(value: unknown, path: Path): string {
    if (typeof value === 'string') return value
    this.problem(path, value === undefined ? 'is missing' : 'has to be text', 'write it in quotes')
    return ''
  }

  private textOrNull(value: unknown, path: Path): string | null {
    return value === undefined || value === null ? null : this.text(value, path)
  }

  private problem(path: Path, what: string, mend: string): void {
    this.problems.push({ ...placeOf(this.bytes, keyAt(this.bytes, path) ?? 0), key: path.join('.'), what, mend })
  }
}

const adapterMembers: ReadonlySet<string> = new Set(['contract', 'hints', 'input', 'output', 'override', 'by', 'reason'])
const ruleMembers: ReadonlySet<string> = new Set(['tool', 'rule', 'pointer', 'until', 'reason'])

function others(object: Readonly<Record<string, unknown>>, known: ReadonlySet<string>): Unknown {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !known.has(key)))
}
