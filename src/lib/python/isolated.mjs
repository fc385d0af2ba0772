// Plain JavaScript: set-up uses it on a bare clone.

/** What the user has set for Python or pip, and what would lead either away from the environment that is meant. */
const leading = /^PYTHON|^PIP_(TARGET|PREFIX|ROOT|USER)$/;

/** Runs a module of a folder as `python -m` does, with the folder first on the path. */
const runModule =
  'import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)';

/**
 * The environment of a Python: this process's (or another) without the variables that choose what Python imports or runs at its start. `-I`
 * makes Python itself ignore them, the processes that it starts would not.
 *
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {NodeJS.ProcessEnv}
 */
export function isolatedEnvironment(env = process.env) {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !leading.test(name)));
}

/**
 * Arguments that start Python with a program: a file, `-c TEXT` or `-m MODULE` of the installation. It imports from its own installation alone:
 * not from the working folder or the program's, PYTHONPATH or the user's site-packages, and runs no start-up file of the user. To be used
 * with {@link isolatedEnvironment}.
 *
 * @param {readonly string[]} program
 * @returns {string[]}
 */
export function isolated(...program) {
  return ['-I', ...program];
}

/**
 * The same for a module of a folder, which comes first on the path.
 *
 * @param {string} folder
 * @param {string} module
 * @param {readonly string[]} args of the module
 * @param {readonly string[]} options of Python
 * @returns {string[]}
 */
export function isolatedModule(folder, module, args = [], options = []) {
  return isolated(...options, '-c', runModule, folder, module, ...args);
}
