// A registry of tools that knows none, for who has no use for one.
import type { Tools } from '../../src/downstream/admin/resources/tools.ts'

export const noTools: Tools = {
  list: () => [],
  find: () => undefined,
  contracts: async () => undefined,
  decide: async () => ({ ok: false, why: 'unknown', detail: 'Nothing is known of any tool.' }),
}
