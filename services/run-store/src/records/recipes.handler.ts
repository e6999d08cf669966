import { Controller } from '@nestjs/common'
import { Problem } from '@lucihub/analog'
import {
  store,
  type ExecConfig,
  type GeneralConfig,
  type GetConfigRequest,
  type GetRecipeRequest,
  type ListRecipesReply,
  type ListRecipesRequest,
  type ListRejectedReply,
  type ListRejectedRequest,
  type PutRecipeRequest,
  type RecipeReply,
} from '@lucihub/contracts'
import { Answer, type Call } from '@lucihub/messaging'
import { needActor } from '../keys/scopes.ts'
import { askerOf } from '../tree/tree-rows.ts'
import { Configurations } from './configurations.ts'
import { RecipeRepository } from './recipe-repository.ts'
import { Rejections } from './rejections.ts'

const PAGE = { max: 200, default: 100 } as const

/** What runs are made by and with: recipes, configurations, and what was refused. */
@Controller()
export class RecipesHandler {
  constructor(
    private readonly recipes: RecipeRepository,
    private readonly configurations: Configurations,
    private readonly rejections: Rejections,
  ) {}

  @Answer(store.putRecipe)
  putRecipe({ actor, recipe }: PutRecipeRequest, _call: Call): Promise<RecipeReply> {
    if (!recipe) throw new Problem('invalid-request', 'There is no recipe to put.')
    return this.recipes.put(needActor(actor), recipe)
  }

  @Answer(store.getRecipe)
  async getRecipe({ actor, name, version, runId }: GetRecipeRequest, _call: Call): Promise<RecipeReply> {
    return { recipe: await this.recipes.get(askerOf(actor), { name, version, runId }), made: false }
  }

  @Answer(store.listRecipes)
  async listRecipes({ name, cursor, limit }: ListRecipesRequest, _call: Call): Promise<ListRecipesReply> {
    if (name !== '') return { recipes: await this.recipes.versions(name), nextCursor: '' }
    const size = Math.min(limit || PAGE.default, PAGE.max)
    const found = await this.recipes.list({ after: cursor.replaceAll('\0', ''), limit: size })
    const recipes = found.slice(0, size)
    return { recipes, nextCursor: found.length > size ? (recipes.at(-1)?.name ?? '') : '' }
  }

  @Answer(store.getGeneralConfig)
  getGeneralConfig({ actor, id }: GetConfigRequest, _call: Call): Promise<GeneralConfig> {
    return this.configurations.general(askerOf(actor), id)
  }

  @Answer(store.getExecConfig)
  getExecConfig({ actor, id }: GetConfigRequest, _call: Call): Promise<ExecConfig> {
    return this.configurations.exec(askerOf(actor), id)
  }

  @Answer(store.listRejected)
  listRejected({ actor, recipe, cursor, limit }: ListRejectedRequest, _call: Call): Promise<ListRejectedReply> {
    return this.rejections.list(askerOf(actor), { recipe, cursor, limit })
  }
}
