// Entry point of every thread of a clone: lets Node load TypeScript, however the process was started, then runs the module of the thread.
import { workerData } from 'node:worker_threads';
import './typescript.mjs';

await import(workerData.module);
