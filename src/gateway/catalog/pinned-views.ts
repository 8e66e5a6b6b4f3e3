// Views of callers that are pinned to versions of tools: the view of their mount, with the one version of each pinned family. Kept for each
// set of pins that makes a difference, whoever states it; what names nothing that the mount has makes none.
import type { Pins, StatedPins } from '../../core/call/tool-pins.ts'
import { type Group, type PinLayers, pinnedIn } from './families.ts'
import type { View } from './view.ts'

/** Views that are kept; one more is made anew when it is needed. */
const most = 128

export class PinnedViews {
  /** The one that was used longest ago comes first. */
  private readonly views = new Map<string, View>()

  get kept(): number {
    return this.views.size
  }

  /** `principal`: what rules of access pin the caller to. */
  of(base: View, principal: Pins | undefined, stated: StatedPins | undefined): View {
    const layers = layersOf(base, principal, stated)
    const key = keyOf(base, layers)
    if (key === undefined) return base
    const view = this.views.get(key) ?? base.pinned(layers)
    this.views.delete(key)
    this.views.set(key, view)
    const [oldest] = this.views.size > most ? this.views.keys() : []
    if (oldest !== undefined) this.views.delete(oldest)
    return view
  }

  clear(): void {
    this.views.clear()
  }
}

export function layersOf(base: View, principal: Pins | undefined, stated: StatedPins | undefined): PinLayers {
  return [principal, base.selection.versions, stated?.header, stated?.meta]
}

/** Undefined where the pins make no difference. */
function keyOf(base: View, layers: PinLayers): string | undefined {
  const touched = new Set<Group>()
  for (const layer of layers) if (layer !== undefined) for (const name of layer.keys()) base.groupsOf(name, touched)
  const parts: string[] = []
  for (const group of touched) {
    const pin = pinnedIn(layers, group)
    if (pin === undefined || pin === pinnedIn([base.selection.versions], group)) continue
    // Versions that do not exist are alike.
    parts.push(`${group.upstream}/${group.family}=${group.numbers.includes(pin) ? pin : 0}`)
  }
  return parts.length === 0 ? undefined : `${base.serial}\0${parts.sort().join('\0')}`
}
