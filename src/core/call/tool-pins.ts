// Pins: the one version of a family of tools that somebody is to be shown. Configuration sets them, and clients state them with a request.
import { isObject } from '../protocol/is-object.ts'

/** Versions by the name of their family: as its server names it, with the server before it (`billing/create_invoice`), or as a mount shows it. */
export type Pins = ReadonlyMap<string, number>

/** What a client states; its header goes before its `_meta`. */
export interface StatedPins {
  readonly header: Pins | undefined
  readonly meta: Pins | undefined
}

/** Families of one statement. */
export const mostPins = 64
const longestName = 256
const highest = 999_999_999

/** Undefined where nothing is stated; of what is malformed the reason, for the client. */
export function statedPins(header: string | undefined, meta: unknown): StatedPins | { readonly reason: string } | undefined {
  if (header === undefined && (meta === undefined || meta === null)) return undefined
  const inHeader = header === undefined ? undefined : pinsOfHeader(header)
  if (typeof inHeader === 'string') return { reason: `Signalbox-Tool-Versions ${inHeader}` }
  const inMeta = meta === undefined || meta === null ? undefined : pinsOfMeta(meta)
  if (typeof inMeta === 'string') return { reason: `_meta["signalbox.dev/toolVersions"] ${inMeta}` }
  if (inHeader === undefined && inMeta === undefined) return undefined
  return { header: inHeader, meta: inMeta }
}

/** Of configuration, which was checked. */
export function pinsOf(written: Readonly<Record<string, number>> | undefined): Pins | undefined {
  const entries = Object.entries(written ?? {})
  return entries.length === 0 ? undefined : new Map(entries)
}

/** `create_invoice=1, other=2`: the pins, or what is wrong. */
function pinsOfHeader(text: string): Pins | undefined | string {
  const pins = new Map<string, number>()
  for (const part of text.split(',')) {
    const trimmed = part.trim()
    // An empty element of a list stands for nothing (RFC 9110 §5.6.1).
    if (trimmed === '') continue
    const cut = trimmed.indexOf('=')
    const name = trimmed.slice(0, Math.max(0, cut)).trimEnd()
    const digits = trimmed.slice(cut + 1).trimStart()
    const wrong = cut < 0 || !/^[1-9]\d{0,8}$/.test(digits) ? 'has to be of the form name=1, other=2' : put(pins, name, Number(digits))
    if (wrong !== undefined) return wrong
  }
  return pins.size === 0 ? undefined : pins
}

function pinsOfMeta(value: unknown): Pins | undefined | string {
  if (!isObject(value)) return 'has to be an object of names and version numbers'
  const pins = new Map<string, number>()
  for (const [name, version] of Object.entries(value)) {
    const isNumber = typeof version === 'number' && Number.isInteger(version) && version >= 1 && version <= highest
    const wrong = isNumber ? put(pins, name, version) : 'has to have whole numbers from 1 as its versions'
    if (wrong !== undefined) return wrong
  }
  return pins.size === 0 ? undefined : pins
}

function put(pins: Map<string, number>, name: string, version: number): string | undefined {
  if (name === '' || name.length > longestName) return `has a name that is not of 1 to ${longestName} characters`
  if (pins.has(name) && pins.get(name) !== version) return 'names one tool twice'
  pins.set(name, version)
  return pins.size > mostPins ? `names more than ${mostPins} tools` : undefined
}
