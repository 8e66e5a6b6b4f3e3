import base from '../../vitest.config.ts'

// As every test runs, with files that `npm test` leaves out: they pass, and most of them warn.
export default { ...base, test: { ...base.test, include: ['test/warnings/cases/*.ts'] } }
