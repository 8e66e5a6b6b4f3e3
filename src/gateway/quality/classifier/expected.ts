// What is known of a tool before its result is looked at, made once for each tool.

import { type JsonPath, parsePath } from './json-path.ts'
import type { OutputCheck } from './output-check.ts'

export interface ToolGiven {
  /** The server's own name of the tool. */
  readonly tool: string
  /** `quality.payload`: what it gives is made by others, or is about anything. Undefined: told by its name. */
  readonly payload?: boolean | undefined
  /** `quality.rows` */
  readonly rows?: string | undefined
  /** `quality.ignore`: what changes from answer to answer and makes no other answer. */
  readonly ignore?: readonly string[] | undefined
  /** Of a tool that declares an output schema. */
  readonly output?: OutputCheck | undefined
  /** Larger results are `oversize`. */
  readonly mostBytes?: number | undefined
}

export class Expected {
  readonly isPayload: boolean
  readonly rowsPath: string | undefined
  readonly rows: JsonPath | undefined
  readonly ignored: readonly JsonPath[]
  readonly output: OutputCheck | undefined
  readonly mostBytes: number
  /** Of the last result: most results of a tool have the same names. */
  keysHash = 0
  keys: readonly string[] | undefined

  constructor({ tool, payload, rows, ignore, output, mostBytes }: ToolGiven) {
    this.isPayload = payload ?? isPayloadName(tool)
    this.rowsPath = rows
    this.rows = rows === undefined ? undefined : parsePath(rows)
    this.ignored = (ignore ?? []).map(parsePath).filter((path) => path !== undefined)
    this.output = output
    this.mostBytes = mostBytes ?? Number.POSITIVE_INFINITY
  }
}

const payloadWords: ReadonlySet<string> = new Set(
  (
    'read tail log fetch http file doc document docs page lint linter test error echo ask cat browse browser crawl scrape url download chat prompt generate ' +
    'summarize summarise translate explain shell bash exec execute command terminal console grep diff code source note email mail message wiki article ' +
    'transcript review debug trace exception issue ticket incident alert post comment thread web website'
  ).split(' '),
)

export function isPayloadName(tool: string): boolean {
  return wordsOfName(tool).some((word) => payloadWords.has(word) || (word.endsWith('s') && payloadWords.has(word.slice(0, -1))))
}

/** Words of a name, however it is written: `read_file`, `readFile`, `read-files`. */
export function wordsOfName(tool: string): readonly string[] {
  return tool
    .slice(0, 200)
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/)
}
