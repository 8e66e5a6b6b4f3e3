// Redacts the corpus of test/redaction, and the documents and manifests of the packages that are installed, and writes what was found into
// docs/redaction.md.
import { writeFigures } from './figures.mjs'

process.exitCode = writeFigures('test/redaction/measured.test.ts', 'docs/redaction.md', 'REDACTION_PAGE')
