// A gateway whose operators plan nothing for versions of tools.
import type { ToolVersions } from '../../src/downstream/admin/resources/tool-versions.ts'

export const noVersions: ToolVersions = {
  planned: () => undefined,
  report: async () => undefined,
  end: async () => ({ kind: 'unknown', reason: 'nothing is planned here' }),
}
