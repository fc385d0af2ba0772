import { shellCommand } from '../../text.ts';
import { pythonToType } from '../python/interpreter.ts';

/** Reads a record by wfdb-python and writes it again in one segment and in format 32, which loses nothing that a 24-bit recorder has. */
const program = [
  'import os, sys, wfdb',
  'path = sys.argv[1]',
  'r = wfdb.rdrecord(path)',
  'names = [name or str(i) for i, name in enumerate(r.sig_name)]',
  "wfdb.wrsamp(os.path.basename(path) + '_converted', write_dir=os.path.dirname(path), fs=r.fs, units=r.units, sig_name=names, p_signal=r.p_signal, fmt=['32'] * r.n_sig, comments=r.comments)",
].join('; ');

/** What to type to make a record that can be read here of one that wfdb-python alone reads: `NAME_converted`, beside it. */
export function convertCommand(header: string): string {
  const record = header.replace(/\.hea$/, '');
  return `Convert it to ${record}_converted: ${pythonToType()} -c "${program}" ${shellCommand([record])}`;
}
