// The versions of tools that configuration leads callers to. Rules of access that only watch lead nobody anywhere.
import type { ConfiguredPin } from '../gateway/versions/operators.ts'
import type { Settings } from './settings.ts'

export function configuredPins({ access = [], toolsets, tools }: Settings): readonly ConfiguredPin[] {
  const of = (key: string, versions: Readonly<Record<string, number>> = {}, rule?: string): ConfiguredPin[] =>
    Object.entries(versions).map(([family, version]) => ({
      key: `${key}.versions.${family}`,
      ...(rule === undefined ? {} : { rule }),
      family,
      version,
    }))
  return [
    ...access.flatMap(({ name, shadow, versions }, at) => (shadow ? [] : of(`access.${at}`, versions, name))),
    ...Object.entries(toolsets).flatMap(([name, { versions }]) => of(`toolsets.${name}`, versions)),
    ...Object.entries(tools).flatMap(([selector, { versions }]) =>
      versions?.alias === undefined ? [] : [{ key: `tools.${selector}.versions.alias`, family: selector, version: versions.alias }],
    ),
  ]
}
