import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/**
 * Makes `path` the folder `.git` of a repository with one commit, whose settings and hooks make git run a program in every way that the commands of reading know. The
 * program makes the file `executed`.
 */
export function poison(path: string, executed: string): void {
  const folder = dirname(path);
  const git = (...args: string[]): Buffer =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@localhost', '-c', 'commit.gpgsign=false', ...args], {
      cwd: folder,
      stdio: 'pipe',
    });
  git('init', '-q');
  git('add', '.');
  git('commit', '-q', '-m', 'all');
  const own = join(folder, '.git');
  const program = `${executed}.sh`;
  writeFileSync(program, `#!/bin/sh\ntouch '${executed}'\ncat\n`);
  chmodSync(program, 0o755);
  appendFileSync(
    join(own, 'config'),
    `[core]
	fsmonitor = ${program}
	sshCommand = ${program}
	pager = ${program}
	hooksPath = ${join(own, 'hooks')}
	attributesFile = ${join(own, 'info', 'attributes')}
[filter "x"]
	clean = ${program}
	smudge = ${program}
	process = ${program}
	required = true
[diff]
	external = ${program}
[diff "x"]
	textconv = ${program}
	command = ${program}
[alias]
	status = !${program}
	rev-parse = !${program}
`,
  );
  mkdirSync(join(own, 'info'), { recursive: true });
  writeFileSync(join(own, 'info', 'attributes'), '* filter=x diff=x\n');
  mkdirSync(join(own, 'hooks'), { recursive: true });
  for (const hook of ['post-index-change', 'reference-transaction', 'fsmonitor-watchman']) {
    writeFileSync(join(own, 'hooks', hook), `#!/bin/sh\n${program} < /dev/null\n`);
    chmodSync(join(own, 'hooks', hook), 0o755);
  }
  if (basename(path) !== '.git') renameSync(own, path);
}
