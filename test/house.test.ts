// The rules of the house that a machine can hold. Each names what to do in place of what it found.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const root = new URL('..', import.meta.url).pathname
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', 'src', 'test', 'bench', 'scripts'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => /\.(ts|mjs)$/.test(file))
const source = files.filter((file) => file.startsWith('src/') && !file.endsWith('.test.ts'))

function read(file: string): string {
  return readFileSync(`${root}${file}`, 'utf8')
}

/** Whether a file's path ends with this one, in which `*` stands for a name. */
function ends(path: string): RegExp {
  return new RegExp(`(^|/)${path.replace(/[.]/g, '\\.').replace(/[*]/g, '[^/]+')}$`)
}

/** Lines of the files that match, less those in comments. */
function offences(among: readonly string[], pattern: RegExp): string[] {
  return among.flatMap((file) =>
    read(file)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) && !/^\s*(\/\/|\*|\/\*)/.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
  )
}

describe('the rules of the house', () => {
  it.each([
    [
      'the clock comes by port (core/ports/clock.ts)',
      /\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(|\bset(Timeout|Interval)\(/,
      /^src\/platform\/(clock|net)\//,
    ],
    [
      'randomness comes by port (core/ports/clock.ts)',
      /\bMath\.random\(|\brandomUUID\(|\brandomBytes\(/,
      /^src\/platform\/(random|seal)\//,
    ],
    ['the process ends only in main and the command line', /\bprocess\.exit\(/, /^src\/(main\.ts|operate\/cli\/)/],
    ['only the command line prints', /\bconsole\.(log|error|warn|info)\(/, /^src\/operate\/cli\//],
    ['no global fetch: undici on the data path, a guarded fetch elsewhere', /(?<![.\w])fetch\(/, /^src\/platform\/net\//],
  ])('%s', (_rule, pattern, allowed) => {
    expect(
      offences(
        source.filter((file) => !allowed.test(file)),
        pattern,
      ),
    ).toEqual([])
  })

  it('keys of stores and caches come from core/call/tenant-key.ts, which begins them with the tenant', () => {
    const others = source.filter((file) => file !== 'src/core/call/tenant-key.ts')
    expect(offences(others, /\bas (unknown as )?TenantKey\b/)).toEqual([])
    // A cache whose values follow from their key alone is nobody's: what it holds for one tenant is right for another.
    const pure = ['src/core/text/patterns.ts', 'src/gateway/policy/schema-gate.ts', 'src/gateway/identity/verified-cache.ts']
    expect(
      offences(
        others.filter((file) => !pure.includes(file)),
        /\bLRUCache<(?!TenantKey\b)/,
      ),
    ).toEqual([])
  })

  it('what belongs to a principal has its key from core/call/principal.ts, which begins with the tenant', () => {
    const makers = source.filter((file) => file !== 'src/core/call/principal.ts')
    const keyed = offences(makers, /\bprincipal\.(iss|sub)\b/i).filter((line) => !/^\S+ (sub|subject|issuer): /.test(line))
    expect(keyed).toEqual([])
  })

  it('no stage and no observer asks for an era', () => {
    const inner = source.filter((file) => /^src\/(gateway|observe)\//.test(file))
    expect(offences(inner, /\b(legacy|modern|isLegacy|isModern|20\d\d-\d\d-\d\d)\b/i)).toEqual([])
  })

  it('nothing is called Manager, Helper, Util or Service', () => {
    expect(offences(source, /\b(class|interface|type|function|const)\s+\w*(Manager|Helper|Util|Service)\b/)).toEqual([])
    expect(files.filter((file) => /(manager|helper|util|service)s?\.(ts|mjs)$/.test(file))).toEqual([])
  })

  it('the words are those of the field, not images of ours', () => {
    const images = /\b(leash|salvage|roster|mailbox|pulse|ladder|rungs?|lanes?|habits|hearing|dialogue|flights?)\b/i
    const found = source.flatMap((file) =>
      read(file)
        .split('\n')
        .flatMap((line, index) =>
          images.test(line.replace(/\b(in|single|pre)[- ]?flight\b/gi, '')) ? [`${file}:${index + 1}: ${line.trim()}`] : [],
        ),
    )
    expect(found).toEqual([])
  })

  it('a test waits for what happens, never for a time: `eventually` of test/peers/processes.ts, a gate in its peer, or a ManualClock', () => {
    const timed: Readonly<Record<string, string>> = {
      'test/chaos/doors.test.ts': '1: the longest that a run may take',
      'test/chaos/http.test.ts': '1: a client that reads late',
      'test/chaos/rig.ts': '1: the pace of a client',
      'test/compatibility/peers/typescript/client.mjs': '3: looks again; the longest that a feature and the connection may take',
      'test/compatibility/peers/typescript/content.mjs': '1: a server that answers slowly',
      'test/compatibility/peers/typescript/server1.mjs': '1: a server that answers slowly',
      'test/compatibility/peers/typescript/server2.mjs': '1: a server that answers slowly',
      'test/compatibility/process.mjs': '2: looks again, for as long as a port may take',
      'test/compatibility/run.mjs': '2: looks again; the longest that a run may take',
      'test/crossing/features.ts': '1: longer each time, since looking disturbs what is looked for',
      'test/crossing/run.ts': '1: the longest that a run may take',
      'test/crossing/tasks.ts': '1: looks again',
      'test/crossing/verdict.ts': '1: looks again',
      'test/doubles/downstream/legacy-rig.ts': '1: looks again',
      'test/doubles/upstream/children.ts': '1: looks again',
      'test/fuzz/fuzz.test.ts': '1: the longest that a run may take',
      'test/peers/fixture/content.mjs': '3: a server that answers slowly, and asks late',
      'test/peers/processes.ts': '1: looks again',
      'test/promises/children.test.ts': '1: clients that are cut off at different moments',
    }
    const tests = files.filter((file) => (file.startsWith('test/') || file.endsWith('.test.ts')) && file !== 'test/house.test.ts')
    const found = new Map<string, number>()
    for (const line of offences(tests, /\bsetTimeout\(|\btimers\/promises|\bsleep\(/)) {
      const [file = ''] = line.split(':')
      found.set(file, (found.get(file) ?? 0) + 1)
    }
    expect(Object.fromEntries(found)).toEqual(
      Object.fromEntries(Object.entries(timed).map(([file, reason]) => [file, Number.parseInt(reason, 10)])),
    )
  })

  it('comments cite what a reader of this repository can open', () => {
    const foreign =
      /(?<!docs\/)\b(DESIGN|REQUIREMENTS|SURFACE|protocol|scale|quality|peers|sdk)\.md\b|(?<![\w/])shared\/(reference|seeds|[A-Z])|\bprotocol reference\b|\bthe seeds?\b/
    const cited = files
      .filter((file) => file !== 'test/house.test.ts')
      .flatMap((file) =>
        read(file)
          .split('\n')
          .flatMap((line, index) => (foreign.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
      )
    expect(cited).toEqual([])
  })

  it('files are named in kebab-case', () => {
    expect(files.filter((file) => !/^([a-z0-9.-]+\/)*[a-z0-9]+(-[a-z0-9]+)*(\.(test|config|spec|d))?\.(ts|mjs)$/.test(file))).toEqual([])
  })

  it('a file that grew past 500 lines is two files', () => {
    expect(source.filter((file) => read(file).split('\n').length > 500)).toEqual([])
  })

  it('every file of the product says first what it is for', () => {
    expect(source.filter((file) => !/^(#!.*\n)?(\/\/|\/\*\*)/.test(read(file)))).toEqual([])
  })

  it('nothing is left open in the code', () => {
    expect(
      offences(
        files.filter((file) => file !== 'test/house.test.ts'),
        /\b(TODO|FIXME|XXX|HACK)\b|@ts-ignore|@ts-expect-error|\b(it|test|describe)\.(only|skip|todo)\b/,
      ),
    ).toEqual([])
  })

  it('the pages name files that exist', () => {
    const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
      .split('\n')
      .filter((file) => existsSync(`${root}${file}`))
    // The changelog tells of what was.
    const pages = tracked.filter((file) => /^((README|CONTRIBUTING)|docs\/.+)\.md$/.test(file))
    expect(pages.length).toBeGreaterThan(30)
    const missing = pages.flatMap((page) => {
      const text = read(page)
      const named = [...text.matchAll(/`([\w@.*/-]+\.(?:ts|mjs|cjs))`/g)].map(([, path = '']) => path)
      const linked = [...text.matchAll(/\]\((?![a-z]+:|#)([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, path = '']) => path)
      return [
        ...named.filter((path) => !tracked.some((file) => ends(path).test(file))),
        ...linked.filter((path) => !existsSync(new URL(path, `file://${root}${page}`))),
      ].map((path) => `${page}: ${path}`)
    })
    expect(missing).toEqual([])
  })

  it('no path of a machine and no registry address is committed', () => {
    const all = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' }).split('\n')
    const text = all.filter((file) => /\.(ts|mjs|cjs|json|ya?ml|md)$/.test(file) && file !== 'test/house.test.ts')
    expect(offences(text, /"resolved": *"http|(?<![\w.])\/(work|root|farm)\/[a-z]/)).toEqual([])
  })
})
