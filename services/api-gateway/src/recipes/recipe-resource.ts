/** Recipes as the bus tells them, as resources of the HTTP API. */
import { invariant } from '@lucihub/analog'
import type { Recipe } from '@lucihub/contracts'
import { instant } from '../runs/run-resource.ts'
import type { RecipeResource } from './recipes.schema.ts'

export function recipeResource(recipe: Recipe | null | undefined): RecipeResource {
  invariant(recipe, 'the store answers with a recipe or a problem')
  const { name, version, jobType, description, schemaHash, createdBy, createdAtMs } = recipe
  return {
    name,
    version,
    jobType,
    description,
    parameterSchema: JSON.parse(recipe.schemaJson) as RecipeResource['parameterSchema'],
    schemaHash: Buffer.from(schemaHash).toString('hex'),
    defaults: JSON.parse(recipe.defaultsJson) as RecipeResource['defaults'],
    bindings: JSON.parse(recipe.bindingsJson) as RecipeResource['bindings'],
    result: JSON.parse(recipe.resultJson) as RecipeResource['result'],
    hooks: JSON.parse(recipe.hooksJson) as RecipeResource['hooks'],
    createdBy: createdBy || null,
    createdAt: instant(createdAtMs),
  }
}
