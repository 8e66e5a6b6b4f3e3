// The layering of docs/architecture.md as rules: dependencies point one way. `npm run lint` runs them.
const tests = '\\.test\\.ts$'
const room = (name) => `^src/${name}/`

/** A room may import itself, the listed rooms, and libraries; nothing else of ours. */
function onlyImports(name, allowed) {
  return {
    name: `${name}-imports-only-${allowed.length === 0 ? 'itself' : 'its-inner-rooms'}`,
    severity: 'error',
    from: { path: room(name), pathNot: tests },
    to: { path: '^src/', pathNot: [room(name), ...allowed] },
  }
}

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true },
    },
    onlyImports('core', []),
    onlyImports('platform', [room('core')]),
    onlyImports('gateway', [room('core')]),
    onlyImports('upstream', [room('core'), '^src/platform/(net|clock)/']),
    onlyImports('downstream', [room('core'), '^src/platform/(net|clock)/']),
    onlyImports('observe', [room('core'), '^src/platform/(net|clock)/']),
    onlyImports('authorization-server', [room('core'), '^src/platform/(net|clock)/']),
    {
      name: 'gateway-rooms-know-no-siblings',
      severity: 'error',
      from: { path: '^src/gateway/([^/]+)/', pathNot: tests },
      to: { path: '^src/gateway/', pathNot: '^src/gateway/$1/' },
    },
    {
      name: 'pipeline-imports-stages-only',
      severity: 'error',
      from: { path: '^src/gateway/pipeline\\.ts$' },
      to: { path: '^src/gateway/', pathNot: '/stage\\.ts$' },
    },
    {
      name: 'revisions-belong-to-the-two-ends',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(core/protocol|upstream|downstream|operate/toolkit)/' },
      to: { path: '^src/core/protocol/revisions/' },
    },
    {
      name: 'settings-are-leaves',
      severity: 'error',
      from: { path: '^src/(?!assembly/).*/settings\\.ts$' },
      to: { path: '^src/', pathNot: '^src/core/text/(date|duration|rate)\\.ts$' },
    },
    {
      name: 'operate-uses-faces',
      severity: 'error',
      from: { path: '^src/operate/', pathNot: tests },
      to: {
        path: '^src/(gateway|upstream|downstream|observe|authorization-server|platform)/',
        pathNot: ['/index\\.ts$', '^src/platform/'],
      },
    },
    // Commands use the rest of the folder, which knows none of them; only its face does.
    {
      name: 'operate-knows-no-commands',
      severity: 'error',
      from: { path: '^src/operate/', pathNot: ['^src/operate/cli/', '^src/operate/index\\.ts$', tests] },
      to: { path: '^src/operate/cli/' },
    },
    {
      name: 'reading-and-asking-know-no-contracts',
      severity: 'error',
      from: { path: '^src/operate/(configuration|client)/', pathNot: tests },
      to: { path: '^src/operate/contracts/' },
    },
    {
      name: 'only-assembly-composes',
      severity: 'error',
      from: { path: '^src/(core|platform|gateway|upstream|downstream|observe|authorization-server)/', pathNot: tests },
      to: { path: '^src/(assembly|operate|main)' },
    },
    {
      name: 'no-dev-dependency-in-the-product',
      severity: 'error',
      from: { path: '^src/', pathNot: tests },
      // What is an optional peer as well is loaded where it is configured.
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['npm-peer'] },
    },
    { name: 'no-orphans', severity: 'error', from: { orphan: true, path: '^src/', pathNot: [tests, '\\.d\\.ts$'] }, to: {} },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default'] },
  },
}
