// A tool that stands beside other versions of itself: `create_invoice_v1`, `create_invoice_v2`. Together they are a family, by the name
// without its end.

export interface ToolVersion {
  readonly family: string
  readonly number: number
}

const versioned = /^(.+?)[_-]v([1-9]\d{0,8})$/

/** Which version of which family a tool is by its server's own name; undefined where the name says nothing of it. */
export function versionOf(name: string): ToolVersion | undefined {
  const found = versioned.exec(name)
  return found === null ? undefined : { family: found[1] as string, number: Number(found[2]) }
}

/** Whether a pin of configuration means this family: its server may stand before it, as selectors have it or as mounts show names. */
export function meansFamily(written: string, upstream: string, family: string): boolean {
  return written === family || written === `${upstream}/${family}` || written === `${upstream}__${family}`
}
