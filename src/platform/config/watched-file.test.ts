import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { ManualClock } from '../../../test/doubles/manual-clock.ts'
import { WatchedFile } from './watched-file.ts'

it('tells of a file once it stands still, again until it is dealt with, and not of one that is away for a moment', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-watched-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'signalbox.yaml')
  writeFileSync(file, 'a')
  const clock = new ManualClock()
  const still: number[] = []
  let isDone = false
  const watched = new WatchedFile(clock, file, async (stillMs) => {
    still.push(stillMs)
    return isDone
  })
  const looks = async (times: number): Promise<void> => {
    for (let look = 0; look < times; look += 1) await clock.advance(500)
  }
  await looks(3)
  expect(still).toEqual([])
  writeFileSync(file, 'half')
  await looks(2)
  writeFileSync(file, 'half and more')
  await looks(1)
  expect(still).toEqual([500])
  await looks(2)
  expect(still).toEqual([500, 500, 1_000])
  isDone = true
  await looks(3)
  expect(still).toEqual([500, 500, 1_000, 1_500])
  // By a rename, as editors do it.
  rmSync(file)
  await looks(2)
  writeFileSync(`${file}.new`, 'whole')
  renameSync(`${file}.new`, file)
  await looks(2)
  expect(still).toHaveLength(5)
  watched.close()
  writeFileSync(file, 'later')
  await looks(3)
  expect(still).toHaveLength(5)
})
