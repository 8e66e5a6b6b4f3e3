// An item is one tool, prompt, resource, resource template or skill of one upstream, as the catalog holds it.

import type { ItemContract } from './contract.ts'
import type { Deprecation } from './deprecation.ts'
import type { Payload } from './payload.ts'
import type { ToolSettings } from './tool-settings.ts'
import type { ToolVersion } from './tool-version.ts'
import type { Validate } from './violation.ts'

/** The name of one upstream, unique in the configuration. */
export type UpstreamId = string

export type ItemKind = 'tool' | 'prompt' | 'resource' | 'template' | 'skill'

/** A property of a tool's input schema that the client mirrors in an `Mcp-Param-*` header (MCP 2026-07-28, x-mcp-header). */
export interface HeaderParam {
  /** Property path from the root of the arguments. */
  readonly path: readonly string[]
  /** Header name in lower case, with the `mcp-param-` prefix. */
  readonly header: string
  readonly type: 'string' | 'integer' | 'boolean'
}

/** What the server itself says of a tool (`annotations`), read strictly: absent is the cautious value. */
export interface Traits {
  readonly readOnly: boolean
  /** It may take away or overwrite what was there (`destructiveHint`). */
  readonly destructive: boolean
  readonly idempotent: boolean
}

export interface Item {
  readonly kind: ItemKind
  readonly upstream: UpstreamId
  /** The upstream's own tool or prompt name, resource URI (of a skill that of its SKILL.md), or URI template. */
  readonly name: string
  /** The name under which this call's mount shows it. */
  readonly visible: string
  /** The definition as the upstream sent it, byte for byte. */
  readonly definition: Payload
  readonly traits: Traits
  /** What configuration says of it. */
  readonly settings: ToolSettings
  readonly headers: readonly HeaderParam[]
  /** Judges `params.arguments`; undefined where the item takes no schema. Compiled on first use. */
  readonly validate: Validate | undefined
  /** True where the tool declares an `outputSchema`: then a fault may not use `structuredContent`. */
  readonly declaresOutput: boolean
  readonly generation: number
  /** Of a tool; undefined where nobody keeps its contract. */
  readonly contract?: ItemContract | undefined
  /** Of a tool that stands beside other versions of itself. */
  readonly version?: ToolVersion | undefined
  /** Of a tool whose end is planned. */
  readonly deprecation?: Deprecation | undefined
  /** Of a resource that no list has by its URI: the template or skill that it is of, as a list has that; '' where none has. */
  readonly within?: string
  /** The tool whose user interface it is, or the skill whose file: who may use that may read it. */
  readonly partOf?: Item
}
