import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { childrenOf, closeAll, openCommand, openScript, resultOf, running, until } from '../../../test/doubles/upstream/children.ts'
import { systemClock } from '../../platform/clock/system-clock.ts'
import { RequestIds } from '../wire/ids.ts'
import { Watchdog, watchdog } from './watchdog.ts'
import { openStdioWire } from './wire.ts'

afterEach(closeAll)

const folder = mkdtempSync(join(tmpdir(), 'signalbox-child-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let marks = 0
/** Stands in the command lines of the processes of one test, to find them by. */
function mark(): string {
  marks += 1
  return `signalbox-mark-${process.pid}-${Date.now()}-${marks}`
}

const start = (command: string, cwd?: string) =>
  openStdioWire({
    upstream: 'notes',
    command,
    args: [],
    env: {},
    cwd,
    maxMessageBytes: 1_000,
    ids: new RequestIds(0),
    clock: systemClock,
    report: { log: () => undefined, counters: { add: () => undefined } },
  })

describe('a server that cannot be started says what to mend', () => {
  it('no such command', async () => {
    const fault = await start('no-such-command-here')
    expect(fault).toMatchObject({ kind: 'config_error', category: 'configuration' })
    expect(fault).toMatchObject({
      message: expect.stringMatching(/notes.*no-such-command-here was not found on the PATH .*full path in `command`/),
    })
  })

  it('no such path, not executable, no interpreter', async () => {
    writeFileSync(join(folder, 'plain'), 'x', { mode: 0o644 })
    writeFileSync(join(folder, 'script'), '#!/no/such/interpreter\n', { mode: 0o755 })
    expect(await start(join(folder, 'none'))).toMatchObject({ message: expect.stringContaining('Correct the path in `command`') })
    expect(await start(join(folder, 'plain'))).toMatchObject({ message: expect.stringContaining('chmod +x') })
    expect(await start(join(folder, 'script'))).toMatchObject({ message: expect.stringContaining('interpreter') })
    expect(await start(folder)).toMatchObject({ kind: 'config_error' })
    expect(await start('a\0b')).toMatchObject({ kind: 'config_error' })
  })

  it('no such working directory', async () => {
    expect(await start('node', join(folder, 'gone'))).toMatchObject({
      kind: 'config_error',
      message: expect.stringMatching(/working directory .*gone does not exist\. Correct `cwd`/),
    })
    expect(await start('node', join(folder, 'plain'))).toMatchObject({ message: expect.stringContaining('is no directory') })
  })
})

describe('when close resolves, nothing of the child is left', () => {
  it('a well-behaved one ends with its stdin and gets no signal', async () => {
    const name = mark()
    const { wire, ask } = await openScript(`// ${name}
      process.on('SIGTERM', () => require('fs').writeFileSync(${JSON.stringify(join(folder, 'termed'))}, ''))
      on(({ id }) => answer(id))`)
    await ask('a')
    await wire.close()
    expect(running(name)).toEqual([])
    expect(readdirSync(folder)).not.toContain('termed')
  })

  it('one that ignores the end of stdin and SIGTERM is killed', async () => {
    const name = mark()
    const { wire, ask } = await openScript(
      `/* ${name} */ process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); on(({ id }) => answer(id))`,
    )
    await ask('a')
    await wire.close()
    expect(running(name)).toEqual([])
  })

  it('one that is stopped (SIGSTOP) is ended too', async () => {
    const name = mark()
    const { wire, ask } = await openScript(`/* ${name} */ on(({ id }) => answer(id))`)
    await ask('a')
    process.kill(wire.pid, 'SIGSTOP')
    await wire.close()
    expect(running(name)).toEqual([])
  })

  it('nor what a launcher started, though it ignores SIGTERM', async () => {
    const name = mark()
    const grandchild = `/* ${name} */ process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); process.stdout.write('up\\n')`
    const { wire, anomalies } = await openCommand('/bin/sh', ['-c', `"$0" -e "$1" & wait`, process.execPath, grandchild])
    await until(() => anomalies.length > 0)
    expect(running(name).length).toBeGreaterThan(1)
    await wire.close()
    expect(running(name)).toEqual([])
  })

  it('nor a grandchild in a session of its own, as browsers are started', async () => {
    const name = mark()
    const { wire, ask } = await openScript(`
      const browser = require('child_process').spawn(process.execPath, ['-e', '/* ${name} */ setInterval(() => {}, 1000)'], { detached: true, stdio: 'ignore' })
      on(({ id }) => answer(id)); process.on('SIGTERM', () => {})`)
    await ask('a')
    await wire.close()
    expect(running(name)).toEqual([])
  })

  it('nor what a crashed one left behind', async () => {
    const name = mark()
    const { ended, wire } = await openScript(`
      require('child_process').spawn(process.execPath, ['-e', '/* ${name} */ process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); require("fs").writeSync(3, "up")'], { stdio: ['inherit', 'inherit', 'inherit', 'pipe'] })
        .stdio[3].once('data', () => process.exit(1))`)
    expect((await ended).detail).toMatchObject({ exitCode: 1 })
    await wire.close()
    expect(running(name)).toEqual([])
  })

  it('behind npx as well', async () => {
    const name = mark()
    const bin = join(folder, 'node_modules', '.bin')
    writeFileSync(
      join(folder, 'server.js'),
      `#!/usr/bin/env node\nprocess.stdin.on('data', (d) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id: JSON.parse(d).id, result: {} }) + '\\n')); setInterval(() => {}, 1000)`,
      { mode: 0o755 },
    )
    writeFileSync(join(folder, 'package.json'), '{"name":"x","version":"1.0.0"}')
    mkdirSync(bin, { recursive: true })
    symlinkSync(join(folder, 'server.js'), join(bin, 'odd-server'))
    const { wire, ask } = await openCommand('npx', ['--no-install', 'odd-server', name], { cwd: folder })
    expect(resultOf(await ask('a'))).toEqual({})
    expect(running(name).length).toBeGreaterThan(1)
    await wire.close()
    expect(running(name)).toEqual([])
  })
})

/** The wire compiled to a folder, for gateways that are processes of their own. */
const built = new Promise<string>((done, fail) => {
  const root = resolve(import.meta.dirname, '../../..')
  const config = join(folder, 'tsconfig.json')
  const files = ['src/upstream/stdio/wire.ts', 'src/platform/clock/system-clock.ts'].map((file) => join(root, file))
  const compilerOptions = {
    noEmit: false,
    rootDir: join(root, 'src'),
    outDir: join(folder, 'built'),
    typeRoots: [join(root, 'node_modules/@types')],
  }
  writeFileSync(config, JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions, files, include: [] }))
  execFile(process.execPath, [join(root, 'node_modules/typescript7/bin/tsc'), '-p', config], (error, stdout) => {
    if (error !== null) fail(new Error(stdout))
    writeFileSync(join(folder, 'built/package.json'), '{"type":"module"}')
    done(join(folder, 'built'))
  })
})

/** Runs code that has `open(command, args)`; resolves with the process and what it said on stdout when it said `ready`. */
async function gateway(code: string): Promise<{ pid: number; said: () => string }> {
  const whole = `
    import { openStdioWire } from '${await built}/upstream/stdio/wire.js'
    import { systemClock } from '${await built}/platform/clock/system-clock.js'
    const report = { log: () => {}, counters: { add: () => {} } }
    const open = (command, args) =>
      openStdioWire({ upstream: 'x', command, args, env: {}, cwd: undefined, maxMessageBytes: 1000, clock: systemClock, report, graceMs: 150 })
    ${code}`
  const { wire, anomalies, ended } = await openCommand(process.execPath, ['--input-type=module', '-e', whole])
  const said = (): string => anomalies.map(([, detail]) => detail).join('\n')
  await Promise.race([
    until(() => said().includes('ready'), 20_000),
    ended.then((fault) => {
      if (!said().includes('ready')) throw new Error(fault.message)
    }),
  ])
  return { pid: wire.pid, said }
}

describe('a gateway whose children are killed 50 times', () => {
  it('keeps no process and no file handle of them', async () => {
    const name = mark()
    const { said } = await gateway(`
      import { readdirSync } from 'node:fs'
      const once = async () => {
        const wire = await open('/bin/sh', ['-c', 'sleep 1000 & sleep 1000 # ${name}'])
        const end = new Promise((ended) => { wire.onEnd = ended })
        process.kill(wire.pid, 'SIGKILL')
        await end
        await wire.close()
      }
      await once()
      const before = readdirSync('/proc/self/fd').length
      for (let i = 0; i < 50; i += 1) await once()
      console.log('ready: ' + (readdirSync('/proc/self/fd').length - before) + ' more')
      setInterval(() => {}, 1000)`)
    expect(said()).toContain('ready: 0 more')
    expect(running(name).length).toBe(1)
  })
})

describe('no child outlives its gateway', () => {
  /** Two children, one of them a launcher whose grandchild ignores SIGTERM and its stdin. */
  const twoChildren = (name: string): string => {
    const stubborn = `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('up ' + process.argv[1])`
    return `
      const up = async (wire) => await new Promise((said) => { wire.onAnomaly = said })
      await up(await open(process.execPath, ['-e', ${JSON.stringify(stubborn)}, '${name}']))
      await up(await open('/bin/sh', ['-c', '"$0" -e "$1" "$2" & wait', process.execPath, ${JSON.stringify(stubborn)}, '${name}']))
      console.log('ready')`
  }

  it('after kill -9, nor does the watchdog', async () => {
    const name = mark()
    const { pid } = await gateway(`${twoChildren(name)}; setInterval(() => {}, 1000)`)
    const own = running(name).filter((one) => one !== pid)
    expect(own).toHaveLength(3)
    const [dog, ...more] = childrenOf(pid, 'signalbox-watchdog')
    expect(more).toEqual([])
    process.kill(pid, 'SIGKILL')
    await until(() => running(name).length === 0 && !running('signalbox-watchdog').includes(dog ?? 0))
  })

  it('after an end of its own, though it closed nothing', async () => {
    const name = mark()
    await gateway(`${twoChildren(name)}; process.exit(0)`)
    await until(() => running(name).length === 0)
  })
})

describe('the watchdog', () => {
  it('ignores the signals of a terminal, is started again when killed, and touches nothing that was freed', async () => {
    const dog = new Watchdog()
    const { wire } = await openScript('on(() => {})')
    dog.hold(wire.pid, () => undefined)
    const first = dog.pid ?? 0
    const ignored = (): bigint => BigInt(`0x${/^SigIgn:\s*(\w+)$/m.exec(readFileSync(`/proc/${first}/status`, 'utf8'))?.[1] ?? '0'}`)
    const terminal = [1n, 2n, 3n, 15n].reduce((mask, signal) => mask | (1n << (signal - 1n)), 0n)
    await until(() => (ignored() & terminal) === terminal)
    process.kill(first, 'SIGKILL')
    await until(() => dog.pid !== undefined && dog.pid !== first)
    const second = dog.pid ?? 0
    dog.free(wire.pid)
    expect(dog.held).toBe(0)
    dog.close()
    await until(() => !running('signalbox-watchdog').includes(second))
    process.kill(wire.pid, 0)
  })

  it('is one for all children', async () => {
    await openScript('on(() => {})')
    const { pid } = watchdog
    await Promise.all([openScript('on(() => {})'), openScript('on(() => {})')])
    expect(watchdog.pid).toBe(pid)
    expect(watchdog.held).toBe(3)
    await closeAll()
    expect(watchdog.held).toBe(0)
  })
})
