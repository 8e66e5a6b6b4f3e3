import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inject, it } from 'vitest'

it('passes, and what it started warns later than anybody of this file looks', () => {
  writeFileSync(join(inject('warnings'), 'late.txt'), 'a program of late: Warning: Late words\n')
})
