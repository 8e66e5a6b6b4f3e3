// What tools ask of the judging of results, where nothing is judged.
import type { Settings } from '../../assembly/settings.ts'
import { error, type Finding, warning } from '../../platform/config/index.ts'

/** `block` is a promise that would be broken without a word; the others are without effect. */
export function qualityFindings({ quality, tools }: Pick<Settings, 'quality' | 'tools'>): Finding[] {
  if (quality.enabled) return []
  return Object.entries(tools).flatMap(([name, tool]) => {
    if (tool.quality === undefined) return []
    const path = ['tools', name, 'quality']
    const mend = 'set `quality.enabled: true`, or remove it here'
    return tool.quality.onSuspect === 'block'
      ? [
          error(
            [...path, 'onSuspect'],
            'contradiction: doubtful results are to be withheld, but `quality.enabled` is false and none is judged',
            mend,
          ),
        ]
      : [warning(path, 'has no effect, since `quality.enabled` is false', mend)]
  })
}
