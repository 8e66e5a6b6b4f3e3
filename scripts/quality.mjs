// Measures what the judging of results reaches (test/quality/quality.test.ts), all of it, and writes the tables into docs/quality.md.
// `QUALITY_SEED` (1): the traffic. `--without-untuned`: the kinds that nothing was tuned on are left out, as they have to be while constants are
// changed: who has seen what comes out for them has tuned on them.
import { writeFigures } from './figures.mjs'

const more = process.argv.includes('--without-untuned') ? { QUALITY_WITHOUT_UNTUNED: '1' } : {}
process.exitCode = writeFigures('test/quality/quality.test.ts', 'docs/quality.md', 'QUALITY_PAGE', more)
