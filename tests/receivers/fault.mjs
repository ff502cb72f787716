/* The mistake that FAULT names: `wrong(name)` is true where it has to be made. */
import fs from 'node:fs';

export function wrong(name) {
  if (process.env.FAULT !== name) return false;
  if (process.env.MUTANT_HIT) fs.closeSync(fs.openSync(process.env.MUTANT_HIT, 'a'));
  return true;
}
