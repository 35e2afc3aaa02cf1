/** `tollgate task`: privilege for one piece of work. Each sub-command asks the running gateway. */
import type { Command } from 'commander'
import { leaving, takesConfig, takesJson } from './command.ts'
import { addTaskRun } from './task-run.ts'
import { startTask, takesStart } from './task-start.ts'
import { endorseValue, endTask, listTasks, showTask } from './task-list.ts'
import { lintTemplates, listTemplates } from './task-templates.ts'

/** Registers the commands. */
export function addTask(program: Command): void {
  const task = program
    .command('task')
    .description('start and end tasks: privilege for one piece of work, for as long as it lasts')
  takesJson(takesStart(task.command('start')))
    .description('start a task and print its key, shown once')
    .action(leaving(startTask))
  addTaskRun(task)
  takesJson(takesConfig(task.command('list')))
    .description('list the tasks that are running')
    .option('--all', 'those that are over too')
    .action(leaving(listTasks))
  takesJson(takesConfig(task.command('show')))
    .description('show what a task may do, what it has used and read')
    .argument('<task>', 'its id, such as t-…')
    .action(leaving(showTask))
  takesJson(takesConfig(task.command('end')))
    .description('end a task and whatever was started within it; it holds within a second')
    .argument('<task>', 'its id')
    .option('--why <text>', 'the reason, for the log')
    .action(leaving(endTask))
  takesJson(takesConfig(task.command('endorse')))
    .description('vouch for a value: the task may send it, wherever it came from')
    .argument('<task>', 'its id')
    .argument('<value>', 'the text, exactly as it will be sent')
    .option('--principal <entity>', 'who vouches for it; default: the person at this terminal')
    .action(leaving(endorseValue))
  takesJson(takesConfig(task.command('templates')))
    .description('list the templates and their parameters')
    .action(leaving(listTemplates))
  takesJson(takesConfig(task.command('lint')))
    .description('look templates over: what is wrong, and what is dangerous together')
    .argument('[template...]', 'their names; default: all of them')
    .option('--strict', 'warnings are errors')
    .action(leaving(lintTemplates))
}
