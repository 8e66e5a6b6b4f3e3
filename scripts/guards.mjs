// Masks all files of the packages that are installed, in which there should be no secret, and writes what was masked into docs/guards.md.
import { writeFigures } from './figures.mjs'

process.exitCode = writeFigures('test/guards/false-positives.test.ts', 'docs/guards.md', 'GUARDS_PAGE')
