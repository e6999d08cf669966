/**
 * The layering as rules. Between projects: Nx tags (each project's package.json) and enforce-module-boundaries,
 * which needs the project graph: run it as `npx nx run-many -t lint`. Within projects: who may import which package,
 * read the environment, or touch generated code. tools/style.spec.ts proves that the rules bite.
 */
import eslint from '@eslint/js'
import nx from '@nx/eslint-plugin'
import tseslint from 'typescript-eslint'

/** What each layer may depend on. Services are absent from every list: nobody imports a service. */
const LAYERS = {
  'layer:domain': ['layer:domain'],
  'layer:protobuf': [],
  'layer:device': ['layer:domain', 'layer:protobuf'],
  'layer:contracts': ['layer:domain', 'layer:protobuf'],
  'layer:messaging': ['layer:domain', 'layer:contracts'],
  'layer:service-kit': ['layer:domain', 'layer:contracts', 'layer:messaging'],
  'layer:service': ['layer:domain', 'layer:contracts', 'layer:messaging', 'layer:service-kit', 'layer:device'],
  'layer:client': ['layer:domain', 'layer:client'],
  'layer:app': ['layer:domain', 'layer:device', 'layer:client'],
  'layer:testing': ['layer:domain', 'layer:contracts', 'layer:messaging', 'layer:tool'],
  'layer:tool': ['layer:tool'],
  'layer:e2e': [
    'layer:domain',
    'layer:contracts',
    'layer:messaging',
    'layer:service-kit',
    'layer:device',
    'layer:client',
    'layer:tool',
  ],
  'layer:bench': ['layer:domain', 'layer:contracts', 'layer:messaging', 'layer:device', 'layer:client', 'layer:tool'],
}
const DRIVES_DEVICES = ['device-scanner', 'hardware-executor']
/** Reads and writes circuits in files; how devices speak stays closed to it. */
const READS_CIRCUIT_FILES = ['api-gateway']
const SERVICES = ['api-gateway', 'compiler', 'device-scanner', 'hardware-executor', 'run-store']

/** Packages that only the named folders may import, and why. */
const RESERVED = [
  {
    packages: SERVICES.map((name) => `@lucihub/${name}`),
    folders: [],
    why: 'Nobody imports a service: ask it over the bus.',
  },
  {
    packages: ['typeorm', 'pg', 'pg-copy-streams', 'redis'],
    folders: ['services/run-store', 'libs/testing', 'e2e', 'bench'],
    why: 'Only run-store knows SQL and Redis.',
  },
  {
    packages: ['@nats-io/*'],
    folders: ['libs/messaging', 'libs/testing', 'bench', 'e2e'],
    why: 'Only the messaging library talks to NATS.',
  },
  {
    // The codecs of circuit files, '@lucihub/device/files', are open to those who never speak to a device.
    exactly: '@lucihub/device',
    folders: [...DRIVES_DEVICES.map((name) => `services/${name}`), 'apps', 'e2e', 'bench'],
    why: 'Only who drives devices speaks to them.',
  },
  {
    packages: ['bonjour-service'],
    folders: ['libs/device'],
    why: 'Only the device library knows how devices are found.',
  },
  {
    packages: ['protobufjs', 'protobufjs/*'],
    folders: ['libs/protobuf', 'libs/contracts', 'libs/device'],
    why: 'Only the libraries of the two protocols know protobuf.',
  },
  {
    packages: ['fastify', '@fastify/*', '@nestjs/platform-fastify', '@nestjs/swagger'],
    folders: ['services/api-gateway'],
    why: 'Only api-gateway speaks HTTP.',
  },
  { packages: ['commander'], folders: ['apps'], why: 'Only apps have command lines.' },
  {
    packages: ['**/generated/**'],
    folders: ['libs/contracts', 'libs/device', 'libs/analang'],
    why: 'Generated code stays within the library that owns its source.',
  },
]
const FOR_SPECS = {
  packages: ['@lucihub/testing', '@jest/globals', 'fast-check', '@nestjs/testing'],
  folders: ['libs/testing', 'e2e', 'bench'],
  why: 'Only specs import what is made for specs.',
}
const IMPURE = {
  packages: ['node:*', '@nestjs/*'],
  folders: [],
  why: 'Domain libraries are pure: no IO, no clock, no environment, no Nest.',
}

const SPECS = ['**/*.spec.ts', '**/test/**/*.ts']
const FOLDERS = ['libs/*', 'services/*', 'apps/*', 'e2e', 'bench']
const OWNERS = [...new Set(RESERVED.flatMap(({ folders }) => folders))]
const DOMAIN = ['libs/analog', 'libs/analang', 'libs/picture', 'libs/simulation']

export default [
  {
    ignores: [
      '**/node_modules/**',
      '**/dist/**',
      '**/generated/**',
      '**/coverage/**',
      '.nx/**',
      '.lucihub/**',
      'out/**',
    ],
  },
  eslint.configs.recommended,
  ...tseslint.configs.recommended.map((config) => ({ ...config, files: ['**/*.ts'] })),
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      'no-undef': 'off', // The compiler knows better.
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false },
      ],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }],
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // Nest modules are classes that only carry a decorator.
      '@typescript-eslint/no-extraneous-class': 'off',
      // A bus message has the same name as its codec: one is a type, the other a value.
      '@typescript-eslint/no-redeclare': 'off',
      eqeqeq: 'error',
      'no-console': 'error',
    },
  },
  {
    files: ['**/*.mjs'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        Buffer: 'readonly',
        performance: 'readonly',
        fetch: 'readonly',
        URL: 'readonly',
        AbortSignal: 'readonly',
        setTimeout: 'readonly',
        clearTimeout: 'readonly',
        setInterval: 'readonly',
      },
    },
  },
  { files: ['apps/*/src/**/*.ts', 'bench/**/*.ts', 'tools/**/*.ts'], rules: { 'no-console': 'off' } },
  // An index into an array that the lines before have filled: in numeric loops and in specs a check says nothing more.
  {
    files: ['libs/simulation/src/**/*.ts', 'libs/analang/src/**/*.ts', ...SPECS],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off' },
  },
  {
    files: [
      'libs/**/*.ts',
      'services/**/*.ts',
      'apps/**/*.ts',
      'e2e/**/*.ts',
      'bench/**/*.ts',
      'tools/servers/**/*.mjs',
    ],
    plugins: { '@nx': nx },
    rules: {
      '@nx/enforce-module-boundaries': [
        'error',
        {
          enforceBuildableLibDependency: false,
          allow: ['../tools/hub.mjs', '../../tools/hub.mjs', '../tools/servers/index.mjs'], // The hub as a whole is no project.
          allowCircularSelfDependency: true,
          depConstraints: [
            // What specs use in addition is held in check by the rule on imports below.
            ...Object.entries(LAYERS).map(([sourceTag, tags]) => ({
              sourceTag,
              onlyDependOnLibsWithTags: [...tags, 'layer:testing'],
            })),
            ...SERVICES.filter((name) => ![...DRIVES_DEVICES, ...READS_CIRCUIT_FILES].includes(name)).map((name) => ({
              sourceTag: `service:${name}`,
              notDependOnLibsWithTags: ['layer:device'],
            })),
          ],
        },
      ],
    },
  },
  ...FOLDERS.map((folder) => restrictImports({ folder, extra: [FOR_SPECS] })),
  ...OWNERS.map((folder) => restrictImports({ folder, extra: [FOR_SPECS] })),
  ...DOMAIN.map((folder) => restrictImports({ folder, extra: [FOR_SPECS, IMPURE] })),
  ...[...FOLDERS, ...OWNERS].map((folder) => ({
    ...restrictImports({ folder, extra: [] }),
    files: SPECS.map((spec) => `${folder}/${spec}`),
    ignores: [],
  })),
  {
    files: ['libs/*/src/**/*.ts', 'services/*/src/**/*.ts'],
    ignores: [...SPECS, '**/config.ts', '**/main.ts', 'libs/testing/**'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Only config.ts reads the environment; take a value instead.' },
      ],
    },
  },
]

function restrictImports({ folder, extra }) {
  const patterns = [...RESERVED, ...extra]
    .filter(
      ({ folders }) =>
        !folders.some(
          (owner) => folder === owner || folder.startsWith(`${owner}/`) || owner === folder.replace('/*', ''),
        ),
    )
    .map(({ packages, exactly, why }) =>
      exactly ? { regex: `^${exactly}$`, message: why } : { group: packages, message: why },
    )
  return { files: [`${folder}/**/*.ts`], ignores: SPECS, rules: { 'no-restricted-imports': ['error', { patterns }] } }
}
