// Compiled, not run: what a module imports is what types.ts requires.
import chromesock, { createChrome, destroyChrome, type Chrome } from 'chromesock';
import * as all from 'chromesock';

const made: Chrome = createChrome({}, { writeQuotaBytes: 1 });
const same: Chrome = chromesock.createChrome();
const again: Chrome = all.default.createChrome();
const ended: Promise<void>[] = [made, same, again].map(destroyChrome);
// @ts-expect-error: no such member
all.none;

export { ended };
