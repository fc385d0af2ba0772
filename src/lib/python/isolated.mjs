// Plain JavaScript, because set-up uses it on a bare clone.

/** Variables that configure Python or pip, or could lead them to another environment. */
const leading = /^PYTHON|^PIP_(TARGET|PREFIX|ROOT|USER)$/;

/** Runs a module of a folder as `python -m` does, with the folder first on the path. */
const runModule =
  'import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)';

/**
 * The environment variables for a Python process: this process's (or the given ones) without those that choose what Python imports or runs at its
 * start. `-I` makes Python ignore them, but not the processes that Python starts.
 *
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {NodeJS.ProcessEnv}
 */
export function isolatedEnvironment(env = process.env) {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !leading.test(name)));
}

/**
 * Arguments that start Python with a program: a file, `-c TEXT` or `-m MODULE` of the installation. Python imports only from its own installation:
 * not from the working folder, the program's folder, PYTHONPATH or the user's site-packages; and it does not run the user's start-up files. Use it
 * with {@link isolatedEnvironment}.
 *
 * @param {readonly string[]} program
 * @returns {string[]}
 */
export function isolated(...program) {
  return ['-I', ...program];
}

/**
 * The same for a module in a folder. The folder is first on the path.
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
