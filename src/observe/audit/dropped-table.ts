// What the durable store once had of the audit, which is in a store of its own now.
import type { Domain } from '../../core/ports/durable.ts'

export const auditDomain: Domain = {
  name: 'audit',
  migrations: [
    {
      what: 'batches of audit rows, by the chain of the gateway that wrote them',
      statements: [
        `CREATE TABLE audit_batches (
           tenant TEXT NOT NULL, chain TEXT NOT NULL, first BIGINT NOT NULL, row_count BIGINT NOT NULL,
           at_min_ms BIGINT NOT NULL, at_max_ms BIGINT NOT NULL, body BYTEA NOT NULL, prev TEXT NOT NULL, hash TEXT NOT NULL,
           PRIMARY KEY (tenant, chain, first))`,
        'CREATE INDEX audit_batches_by_time ON audit_batches (tenant, at_max_ms)',
      ],
    },
    { what: 'the audit has a store of its own', statements: ['DROP TABLE audit_batches'] },
  ],
}
