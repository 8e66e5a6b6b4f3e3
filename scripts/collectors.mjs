// Runs test/collectors against a real Jaeger and a real OpenTelemetry collector: the programs that JAEGER and OTELCOL name, else built with Go
// into a folder outside of the repository (SIGNALBOX_GO_BIN, else one below the system's temporary folder). The first build takes minutes.
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const jaegerVersion = 'v1.76.0'
const collectorVersion = 'v0.165.0'
const root = fileURLToPath(new URL('..', import.meta.url))
const bin = process.env.SIGNALBOX_GO_BIN ?? join(tmpdir(), 'go-bin')

const jaeger = process.env.JAEGER ?? built('jaeger', buildJaeger)
const otelcol = process.env.OTELCOL ?? built('otelcol', buildCollector)
if (jaeger === undefined || otelcol === undefined) {
  console.log('Not tried: Jaeger and the OpenTelemetry collector, which need Go, or JAEGER and OTELCOL with programs.')
  process.exit(0)
}
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
const env = { ...process.env, JAEGER: jaeger, OTELCOL: otelcol }
process.exit(spawnSync(process.execPath, [vitest, 'run', 'test/collectors'], { cwd: root, stdio: 'inherit', env }).status ?? 1)

/** Once. Undefined where it cannot be had. */
function built(name, build) {
  const program = join(bin, name)
  if (existsSync(program)) return program
  if (!run('go', ['version'], tmpdir())) return undefined
  mkdirSync(bin, { recursive: true })
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-collectors-'))
  try {
    return build(folder) && existsSync(program) ? program : undefined
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function buildJaeger(folder) {
  const name = 'github.com/jaegertracing/jaeger/cmd/jaeger'
  writeFileSync(join(folder, 'go.mod'), 'module x\n\ngo 1.26.0\n')
  return (
    run('go', ['get', '-tool', `${name}@${jaegerVersion}`], folder) &&
    run('go', ['build', '-trimpath', '-ldflags=-s -w', '-o', `${bin}/`, name], folder)
  )
}

function buildCollector(folder) {
  const parts = (kind, ...names) =>
    `${kind}s:\n${names.map((name) => `  - gomod: go.opentelemetry.io/collector/${kind}/${name} ${collectorVersion}\n`).join('')}`
  const out = join(folder, 'out')
  writeFileSync(
    join(folder, 'builder.yaml'),
    `dist: {name: otelcol, module: signalbox.dev/otelcol, output_path: ${out}}\n${parts('receiver', 'otlpreceiver')}${parts('processor', 'batchprocessor')}${parts('exporter', 'debugexporter', 'otlpexporter')}`,
  )
  if (!run('go', ['install', `go.opentelemetry.io/collector/cmd/builder@${collectorVersion}`], folder, { GOBIN: bin })) return false
  if (!run(join(bin, 'builder'), ['--config', join(folder, 'builder.yaml')], folder)) return false
  copyFileSync(join(out, 'otelcol'), join(bin, 'otelcol'))
  return true
}

function run(command, args, cwd, more = {}) {
  const env = { GOMAXPROCS: '1', ...process.env, CGO_ENABLED: '0', ...more }
  return spawnSync(command, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'], env }).status === 0
}
