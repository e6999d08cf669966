import type { Data, ProjectRole, TreeEntry } from '@lucihub/sdk'
import { Option } from 'commander'
import { define, group, type Shell } from '../../command.ts'
import { EXIT } from '../../exit.ts'
import { parseCount } from '../../show/duration.ts'
import { facts, table } from '../../show/table.ts'
import { printable } from '../../show/text.ts'
import { every, parseData, shortTime } from './address.ts'

/** `lucihub projects …`. */
export function projectsCommands(shell: Shell): void {
  const within = group(shell.program, 'projects', 'Projects: the roots of trees of data.')

  define(shell, {
    name: 'list',
    within,
    summary: 'List the projects that you may read.',
    examples: ['projects list', 'projects list --json'],
    async work({ session }) {
      const projects = await every(
        (page) => session.client.tree.projects(page),
        (page) => page.projects,
      )
      const columns = [{ title: 'PROJECT' }, { title: 'YOU' }, { title: 'MADE' }, { title: 'TITLE' }]
      const rows = projects.map(({ slug, role, createdAt, title }) => [slug, role, shortTime(createdAt), title])
      await session.answer({ projects }, rows.length > 0 ? table(columns, rows) : 'No projects.')
      return EXIT.ok
    },
  })

  define<{ readonly title?: string; readonly data?: Data }>(shell, {
    name: 'create <slug>',
    within,
    summary: 'Create a project; you become its owner.',
    examples: ['projects create oscillators', 'projects create lab --title "Our lab" --data \'{"room": 7}\''],
    build: (command) =>
      void command.option('--title <text>', 'shown in lists').option('--data <json>', 'a JSON object', parseData),
    async work({ session, args: [slug = ''], options: { title, data } }) {
      const project = await session.client.tree.createProject({ slug, ...(title && { title }), ...(data && { data }) })
      await session.answer(project, `Created project ${project.slug}.`)
      return EXIT.ok
    },
  })

  define(shell, {
    name: 'show <project>',
    within,
    summary: 'Show a project: its data, its members, its top datasets.',
    examples: ['projects show oscillators', 'projects show oscillators --json'],
    async work({ session, args: [slug = ''] }) {
      const { tree } = session.client
      const [project, { members }] = await Promise.all([tree.project(slug), tree.members(slug)])
      const text = facts([
        ['project', project.slug],
        ['title', project.title],
        ['id', project.id],
        ['made', shortTime(project.createdAt)],
        ['members', members.map(({ username, role }) => `${username} (${role})`).join(', ')],
        ['datasets', project.datasets.join(', ')],
        ['data', JSON.stringify(project.data)],
      ])
      await session.answer({ ...project, members }, text)
      return EXIT.ok
    },
  })

  define<{ readonly depth?: number }>(shell, {
    name: 'tree <project>',
    within,
    summary: 'Show the datasets of a project as a tree, with the number of datapoints in each.',
    examples: ['projects tree oscillators', 'projects tree oscillators --depth 2'],
    build: (command) => void command.option('--depth <levels>', 'levels of datasets (default: all)', parseCount),
    async work({ session, args: [slug = ''], options: { depth } }) {
      const tree = await session.client.tree.tree(slug, depth === undefined ? {} : { depth })
      const lines = ({ name, datapoints, datasets }: TreeEntry, indent: string): string[] => [
        printable(`${indent}${name}  ${datapoints}`),
        ...datasets.flatMap((below) => lines(below, `${indent}  `)),
      ]
      const text = [tree.slug, ...tree.datasets.flatMap((top) => lines(top, '  '))]
      await session.answer(tree, text.join('\n'))
      if (tree.truncated && !session.json) session.note('There are more datasets: use --depth, or datasets list.')
      return EXIT.ok
    },
  })

  define<{ readonly role: ProjectRole }>(shell, {
    name: 'invite <project> <user>',
    within,
    summary: 'Give a user a role in a project.',
    examples: ['projects invite oscillators ada', 'projects invite oscillators bob --role editor'],
    build: (command) =>
      void command.addOption(
        new Option('--role <role>', 'viewers read, editors write, owners say who may')
          .choices(['viewer', 'editor', 'owner'])
          .default('viewer'),
      ),
    async work({ session, args: [project = '', user = ''], options: { role } }) {
      const members = await session.client.tree.setMember(project, { user, role })
      await session.answer(members, `${user} is ${role} of ${project}.`)
      return EXIT.ok
    },
  })

  define(shell, {
    name: 'exclude <project> <user>',
    within,
    summary: 'Take a user out of a project.',
    examples: ['projects exclude oscillators bob'],
    async work({ session, args: [project = '', user = ''] }) {
      const members = await session.client.tree.removeMember(project, user)
      await session.answer(members, `${user} is no member of ${project} any more.`)
      return EXIT.ok
    },
  })

  define(shell, {
    name: 'delete <project>',
    within,
    summary: 'Delete a project that has no datasets and no runs.',
    examples: ['projects delete oscillators'],
    async work({ session, args: [project = ''] }) {
      await session.client.tree.deleteProject(project)
      await session.answer({ deleted: project }, `Deleted project ${project}.`)
      return EXIT.ok
    },
  })
}
