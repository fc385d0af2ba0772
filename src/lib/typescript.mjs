// Lets Node load our TypeScript: `--import` this file, or import it first.
// tsx would take `paths` from a tsconfig.json of the working folder or its parents, and compiled code from a folder in /tmp that anybody can
// make. Our sources need no options, and compiling them takes a fifth of a second.
process.env.TSX_DISABLE_CACHE = '1';
const { register } = await import('tsx/esm/api');
register({ tsconfig: false });
