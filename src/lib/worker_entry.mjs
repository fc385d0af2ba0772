// Entry of every thread: lets Node load TypeScript, whatever started the process, then runs the thread's own module.
import { workerData } from 'node:worker_threads';
import './typescript.mjs';

await import(workerData.module);
