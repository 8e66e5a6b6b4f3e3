// Bugs that no boundary caught: the gateway tells of them, lets what runs end, and ends itself with a code that says so.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { writeConfig } from '../peers/config.ts'
import { startProcess } from '../peers/process.ts'
import { eventually } from '../peers/processes.ts'
import { modern } from '../peers/raw.ts'
import { plainTool, scriptedStdio } from '../peers/scripted.ts'

const folder = writeConfig({})
afterAll(() => folder.remove())

/** A module that goes off inside the gateway when the file appears. */
function bomb(kind: string, effect: string): { options: string; light(): void } {
  const fuse = join(folder.folder, `fuse-${kind}`)
  const module = join(folder.folder, `bomb-${kind}.mjs`)
  writeFileSync(
    module,
    `import { existsSync } from 'node:fs'
const timer = setInterval(() => {
  if (!existsSync(${JSON.stringify(fuse)})) return
  clearInterval(timer)
  ${effect}
}, 10)
timer.unref()`,
  )
  return { options: `--import ${pathToFileURL(module)}`, light: () => writeFileSync(fuse, '') }
}

test.each([
  ['throws', "throw new Error('a bug of the test')"],
  ['rejects', "Promise.reject(new Error('a bug of the test'))"],
])(
  'a timer that %s: the call that runs is answered, the log has the stack, the exit code is not 0',
  async (kind, effect) => {
    const { options, light } = bomb(kind, effect)
    const done = join(folder.folder, `done-${kind}`)
    const slow = scriptedStdio(
      [plainTool('slow')],
      `const timer = setInterval(() => {
        if (!require('node:fs').existsSync(${JSON.stringify(done)})) return
        clearInterval(timer)
        say({ id, result: { content: [{ type: 'text', text: 'done' }] } })
      }, 10)`,
    )
    const gateway = await startProcess(
      { servers: { slow }, log: { level: 'info', format: 'json' }, drain: { graceMs: 5_000 } },
      { NODE_OPTIONS: options },
    )
    expect(await eventually(async () => (await gateway.upstreams())[0]?.state === 'ready')).toBe(true)
    const answer = modern(gateway.base, 'tools/call', { name: 'slow__slow', arguments: {} })
    const running = async (): Promise<boolean> =>
      /signalbox_upstream_in_flight\{[^}]*\} 1/.test(await (await fetch(`${gateway.admin}/metrics`)).text())
    expect(await eventually(running)).toBe(true)
    light()
    expect(await eventually(() => gateway.log().includes('was not caught'))).toBe(true)
    writeFileSync(done, '')
    expect((await answer).message.result.content[0].text).toBe('done')
    expect(await gateway.gone).toBe(1)
    const told = gateway
      .log()
      .split('\n')
      .find((line) => line.includes('was not caught'))
    expect(JSON.parse(told ?? '{}').stack).toContain('a bug of the test')
    expect(gateway.log()).toContain('"Ended"')
  },
  60_000,
)
