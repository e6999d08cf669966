/**
 * The gateway's schemas and the client's types are written apart, because neither may import the other. Here the
 * compiler holds them together: a line that does not compile names what differs.
 */
import { type RecipePageSchema, type RecordPageSchema } from '../src/recipes/recipes.schema.ts'
import {
  type LatestSchema,
  type LineageSchema,
  type RejectedPageSchema,
  type ValiditySchema,
} from '../src/records/records.schema.ts'
import type { z } from 'zod'
import type { ComparisonSchema } from '../src/comparisons/comparisons.schema.ts'
import type { InspectionSchema } from '../src/circuits/circuits.schema.ts'
import type { DeviceListSchema } from '../src/devices/devices.schema.ts'
import type { LogSchema } from '../src/events/events.schema.ts'
import type { DatapointPageSchema, DatapointSchema } from '../src/datapoints/datapoints.schema.ts'
import type { DatasetPageSchema, DatasetSchema } from '../src/datasets/datasets.schema.ts'
import type { FilePageSchema } from '../src/files/files.schema.ts'
import type { ProblemSchema } from '../src/http/openapi.ts'
import type {
  MemberListSchema,
  ProjectPageSchema,
  ProjectSchema,
  ResolvedSchema,
  TreeSchema,
} from '../src/projects/projects.schema.ts'
import type { ChannelListSchema, PlotSchema } from '../src/results/results.schema.ts'
import type { CompileSchema, CompileSubmissionSchema } from '../src/runs/compile.schema.ts'
import type { RunPageSchema, RunSchema, RunSubmissionSchema } from '../src/runs/runs.schema.ts'
import type { StatusSchema } from '../src/system/system.schema.ts'
import type * as client from './client.ts'

/** Both ways: what one side gives the other takes. */
type Agree<A, B> = [A] extends [B]
  ? [B] extends [A]
    ? true
    : 'the client has what the gateway lacks'
  : 'the gateway has what the client lacks'
type Frozen<T> = T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T
type Sent<S extends z.ZodType> = Frozen<z.output<S>>

const agreements: {
  run: Agree<Sent<typeof RunSchema>, client.RunResource>
  page: Agree<Sent<typeof RunPageSchema>, client.RunPage>
  compilation: Agree<Sent<typeof CompileSchema>, client.CompileResource>
  inspection: Agree<Sent<typeof InspectionSchema>, client.InspectionResource>
  devices: Agree<Sent<typeof DeviceListSchema>['devices'], readonly client.DeviceResource[]>
  channels: Agree<Sent<typeof ChannelListSchema>, client.ChannelList>
  plot: Agree<Sent<typeof PlotSchema>, client.PlotResource>
  comparison: Agree<Sent<typeof ComparisonSchema>, client.ComparisonResource>
  log: Agree<Sent<typeof LogSchema>, client.LogResource>
  status: Agree<Sent<typeof StatusSchema>, client.StatusResource>
  project: Agree<Sent<typeof ProjectSchema>, client.ProjectResource>
  projects: Agree<Sent<typeof ProjectPageSchema>, client.ProjectPage>
  members: Agree<Sent<typeof MemberListSchema>, client.MemberList>
  resolved: Agree<Sent<typeof ResolvedSchema>, client.ResolvedResource>
  tree: Agree<Sent<typeof TreeSchema>, client.TreeResource>
  dataset: Agree<Sent<typeof DatasetSchema>, client.DatasetResource>
  datasets: Agree<Sent<typeof DatasetPageSchema>, client.DatasetPage>
  datapoint: Agree<Sent<typeof DatapointSchema>, client.DatapointResource>
  datapoints: Agree<Sent<typeof DatapointPageSchema>, client.DatapointPage>
  files: Agree<Sent<typeof FilePageSchema>, client.FilePage>
  recipes: Agree<Sent<typeof RecipePageSchema>, client.RecipePage>
  records: Agree<Sent<typeof RecordPageSchema>, client.RecordPage>
  lineage: Agree<Sent<typeof LineageSchema>, client.LineageResource>
  validity: Agree<Sent<typeof ValiditySchema>, client.ValidityResource>
  latest: Agree<Sent<typeof LatestSchema>, client.LatestResource>
  rejected: Agree<Sent<typeof RejectedPageSchema>, client.RejectedPage>
  problem: [client.ProblemDocument] extends [Sent<typeof ProblemSchema>] ? true : false
  submission: [client.RunSubmission] extends [Frozen<z.input<typeof RunSubmissionSchema>>] ? true : false
  compileSubmission: [client.CompileSubmission] extends [Frozen<z.input<typeof CompileSubmissionSchema>>] ? true : false
} = {
  run: true,
  page: true,
  compilation: true,
  inspection: true,
  devices: true,
  channels: true,
  plot: true,
  comparison: true,
  log: true,
  status: true,
  project: true,
  projects: true,
  members: true,
  resolved: true,
  tree: true,
  dataset: true,
  datasets: true,
  datapoint: true,
  datapoints: true,
  files: true,
  recipes: true,
  records: true,
  lineage: true,
  validity: true,
  latest: true,
  rejected: true,
  problem: true,
  submission: true,
  compileSubmission: true,
}

test('gateway and client agree about every resource', () => {
  expect(Object.values(agreements).every((agree) => agree === true)).toBe(true)
})
