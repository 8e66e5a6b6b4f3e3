// Tools of one server, with the order of their names: pages of operators follow it, and of tens of thousands it is not made anew for each page.
import type { TrackedTool } from './tracked.ts'

export class ToolsByName extends Map<string, TrackedTool> {
  private ordered: readonly string[] | undefined

  override set(name: string, tool: TrackedTool): this {
    if (!this.has(name)) this.ordered = undefined
    return super.set(name, tool)
  }

  override delete(name: string): boolean {
    this.ordered = undefined
    return super.delete(name)
  }

  override clear(): void {
    this.ordered = undefined
    super.clear()
  }

  /** Names behind `after`, in their order; all of them without. */
  *namesAfter(after: string | undefined): Iterable<string> {
    this.ordered ??= [...this.keys()].sort()
    const names = this.ordered
    for (let at = after === undefined ? 0 : placeAfter(names, after); at < names.length; at += 1) yield names[at] as string
  }
}

/** Of the first that is greater. */
function placeAfter(names: readonly string[], after: string): number {
  let from = 0
  let to = names.length
  while (from < to) {
    const middle = (from + to) >> 1
    if ((names[middle] as string) > after) to = middle
    else from = middle + 1
  }
  return from
}
