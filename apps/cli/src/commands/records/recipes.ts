import type { RecipeResource } from '@lucihub/sdk'
import { define, group, type Shell } from '../../command.ts'
import { EXIT } from '../../exit.ts'
import { table } from '../../show/table.ts'
import { shorten } from '../../show/text.ts'
import { every } from '../tree/address.ts'

const DESCRIPTION_WIDTH = 60

/** `lucihub recipes list|help`. */
export function recipesCommands(shell: Shell): void {
  const within = group(shell.program, 'recipes', 'What kinds of tasks there are, and what they take.')
  // Commander's own "help" would take the name.
  within.helpCommand(false)

  define(shell, {
    name: 'list',
    within,
    summary: 'List all recipes.',
    examples: ['recipes list', 'recipes list --json'],
    async work({ session }) {
      const recipes = await every(
        (page) => session.client.records.recipes(page),
        (page) => page.recipes,
      )
      const columns = ['NAME', 'VERSION', 'JOB', 'DESCRIPTION'].map((title) => ({ title }))
      const rows = recipes.map(({ name, version, jobType, description }) => [
        name,
        String(version),
        jobType,
        shorten(description.split('\n')[0] ?? '', DESCRIPTION_WIDTH),
      ])
      await session.answer({ recipes }, recipes.length > 0 ? table(columns, rows) : 'No recipes.')
      return EXIT.ok
    },
  })

  define(shell, {
    name: 'help <name>',
    within,
    summary: 'Show what a recipe takes: each parameter with type, default and description.',
    examples: ['recipes help calibrate'],
    async work({ session, args }) {
      const recipe = await session.client.records.recipe(args[0] ?? '')
      await session.answer(recipe, helpText(recipe))
      return EXIT.ok
    },
  })
}

function helpText(recipe: RecipeResource): string {
  const { name, version, jobType, description, result } = recipe
  const columns = ['PARAMETER', 'TYPE', 'REQUIRED', 'DEFAULT', 'DESCRIPTION'].map((title) => ({ title }))
  const rows = parametersOf(recipe)
  const gives = result.schemas?.length ? `\n\nGives: ${result.schemas.join(', ')}` : ''
  const head = `${name} (version ${version}), for jobs of type ${jobType}`
  const text = description === '' ? '' : `\n\n${description}`
  return `${head}${text}\n\n${rows.length > 0 ? table(columns, rows) : 'It takes no parameters.'}${gives}`
}

interface Property {
  readonly type?: unknown
  readonly enum?: readonly unknown[]
  readonly default?: unknown
  readonly description?: string
  readonly properties?: Readonly<Record<string, Property>>
  readonly required?: readonly string[]
}

/** Parameters inside objects by their path. */
function parametersOf({ parameterSchema, defaults, bindings }: RecipeResource): string[][] {
  const rows: string[][] = []
  const walk = (schema: Property, given: Readonly<Record<string, unknown>>, path: string): void => {
    for (const [key, property] of Object.entries(schema.properties ?? {})) {
      const at = path === '' ? key : `${path}.${key}`
      const own = given[key] ?? property.default
      if (property.properties) walk(property, (given[key] ?? {}) as Readonly<Record<string, unknown>>, at)
      else
        rows.push([
          at,
          property.enum ? property.enum.map((word) => JSON.stringify(word)).join('|') : String(property.type ?? 'any'),
          schema.required?.includes(key) ? 'yes' : 'no',
          defaultText(
            own,
            bindings.find(({ param }) => param === at),
          ),
          property.description ?? '',
        ])
    }
  }
  walk(parameterSchema, defaults, '')
  return rows
}

function defaultText(own: unknown, binding: RecipeResource['bindings'][number] | undefined): string {
  const from = binding?.sources.map(({ recipe, schema, param }) => `${param} of ${recipe ?? schema}`).join(', or ')
  const text = own === undefined ? '' : JSON.stringify(own)
  return from === undefined ? text : `latest ${from}${text && `, else ${text}`}`
}
