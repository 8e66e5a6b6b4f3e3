// The gate for input schemas of foreign tools: reads a schema at ingestion, cheaply and completely, and finds what of it can be enforced;
// compiles that at the first call; keeps compiled ones by their content. What cannot be enforced is left to the server, and noted.
import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Misfits, Violation } from '../../core/call/violation.ts'
import { compile, type Validator } from './compile.ts'
import { judge } from './dialect.ts'
import { relax } from './relax.ts'
import { readSchema, type SchemaObject, type Unenforced } from './schema-graph.ts'

export interface Gated {
  /** Empty where the arguments fit. Never throws; compiled on first use. */
  readonly validate: (args: unknown, misfits?: Misfits) => readonly Violation[]
  /** What of the schema is not enforced, for the operator. */
  readonly notes: readonly string[]
}

export type GateSchema = (schema: unknown) => Gated

export interface GateOptions {
  /** Compiled schemas that are kept; the longest unused one is compiled anew when it is needed. About 8 KB each. */
  readonly most?: number
  /** A schema passed every check and yet the compiler threw, or what it made did: its tool is served, the server itself has to judge the arguments. */
  readonly uncompiled?: (reason: string) => void
}

/**
 * A gate with its own cache. All checks (size, depth, references, cycles, expansion, patterns, the meta-schema of its dialect) run at
 * once, some 20 to 40 µs a subschema; only the compiling waits (some 0.3 ms a subschema, once), since a catalog of a thousand tools would
 * else cost seconds at start.
 */
export function createSchemaGate({ most = 2_000, uncompiled = () => undefined }: GateOptions = {}): GateSchema {
  const validators = new LRUCache<string, Validator>({ max: most })
  return (schema) => {
    const graph = readSchema(schema)
    if ('refused' in graph) return { validate: () => [], notes: [note(graph.refused)] }
    const source = schema as SchemaObject
    const judged = judge(source, graph)
    const unenforced = [...graph.unenforced, ...judged.unenforced]
    const key = createHash('sha256').update(judged.dialect).update(graph.text).digest('base64url')
    const pass = (error: unknown): Validator => {
      uncompiled(error instanceof Error ? error.message : String(error))
      return () => []
    }
    const make = (): Validator => {
      try {
        return compile(source, graph, judged.dialect, relax(graph, unenforced, judged.dialect))
      } catch (error) {
        return pass(error)
      }
    }
    const validate: Validator = (args, misfits) => {
      let validator = validators.get(key)
      if (validator === undefined) {
        validator = make()
        validators.set(key, validator)
      }
      try {
        return validator(args, misfits)
      } catch (error) {
        // What was compiled falls over the arguments: the server judges them.
        validators.set(key, pass(error))
        return []
      }
    }
    return { validate, notes: notesOf(unenforced) }
  }
}

/** The gate with default limits. */
export const gateSchema: GateSchema = createSchemaGate()

const mostNotes = 8
const longestPath = 200

function notesOf(unenforced: readonly Unenforced[]): readonly string[] {
  if (unenforced.length <= mostNotes) return unenforced.map(note)
  const others = unenforced.length - mostNotes + 1
  return [...unenforced.slice(0, mostNotes - 1).map(note), `${others} more places of the input schema are not enforced`]
}

function note({ path, reason }: { readonly path: string; readonly reason: string }): string {
  const where = path.length > longestPath ? `${path.slice(0, longestPath)}…` : path
  return `/inputSchema${where} is not enforced: ${reason}`
}
