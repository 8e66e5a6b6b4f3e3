// What an admin door answers from where there is nothing: for who has no use for one, and to be changed by who tests a part of it.
import { Redaction } from '../../src/core/secrets/redaction.ts'
import type { AdminParts } from '../../src/downstream/index.ts'
import { noTools } from './tools.ts'
import { noVersions } from './versions.ts'

export type Answers = Omit<AdminParts, 'sealer' | 'clock' | 'report' | 'decisions'>

export const noAnswers: Answers = {
  access: { token: undefined, roles: [], identify: () => Promise.reject(new Error('Nobody is asked who they are')) },
  upstreams: () => [],
  maintenance: { knows: () => false, act: async () => ({ state: 'serving', inFlight: 0, held: 0, done: true }) },
  budgets: { show: () => [], clear: async () => ({ kind: 'unknown' }) },
  tools: noTools,
  versions: noVersions,
  quality: undefined,
  alerts: { all: () => [], acknowledge: () => undefined, silences: () => [], silence: () => undefined, unsilence: () => undefined },
  objectives: { report: () => [] },
  faults: { all: () => [], resolve: () => undefined },
  stores: () => [],
  clients: () => [],
  sessions: () => [],
  keys: { list: async () => [], revoke: async () => false },
  grants: { list: async () => ({ grants: [], consents: [] }), revoke: async () => ({ grants: 0, consents: [], signIns: 0, untold: [] }) },
  config: {
    inForce: () => ({ source: 'test', revision: undefined, digest: '0', config: {} }),
    reload: async () => ({
      outcome: 'unchanged',
      revision: undefined,
      digest: '0',
      problems: [],
      changes: [],
      servers: { added: [], removed: [], replaced: [], adjusted: [] },
    }),
    revisions: async () => [],
    revision: async () => 'unknown',
    text: async () => 'unknown',
  },
  explain: () => 'none',
  calls: { listen: () => () => undefined },
  redaction: new Redaction({ keys: [], patterns: [] }, []),
  metrics: async () => ({ type: 'text/plain', text: '' }),
}
