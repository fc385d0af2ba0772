export { parseCsv, readCsv } from './csv_reader.ts';
export { toCsv, writeCsv } from './csv_writer.ts';
export { type Column, DataFrame } from './frame.ts';
