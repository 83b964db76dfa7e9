// Builds dist/: the extension; with `tests`, the unit tests; with `host`, the tests that run inside an editor.
import { cp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { build } from 'esbuild';

const wanted = new Set(process.argv.slice(2));
const shared = {
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  external: ['vscode'],
  logLevel: 'warning',
};

if (wanted.has('tests')) {
  const names = (await readdir('test')).filter((name) => name.endsWith('.test.ts'));
  await rm('dist/test', { recursive: true, force: true });
  await build({ ...shared, entryPoints: names.map((name) => `test/${name}`), outdir: 'dist/test', sourcemap: 'inline' });
} else if (wanted.has('host')) {
  await build({ ...shared, entryPoints: ['test/host/index.ts'], outfile: 'dist/host/index.js' });
} else {
  const { metafile } = await build({
    ...shared, entryPoints: ['src/extension.ts'], outfile: 'dist/extension.js', minify: true, legalComments: 'none', metafile: true,
  });
  await copyAxes();
  await collectLicences(Object.keys(metafile.inputs));
}

/** The pages about the axes, so that they can be read without a server. Links that lead out of them are words here. */
async function copyAxes() {
  await mkdir('dist/axes', { recursive: true });
  for (const name of await readdir('../docs/axes')) {
    const page = await readFile(`../docs/axes/${name}`, 'utf8');
    await writeFile(`dist/axes/${name}`, page.replace(/\[([^\]]+)\]\(\.\.\/[^)]*\)/g, '$1'));
  }
  await cp('../NOTICE', 'dist/NOTICE');
}

/** The licences of the packages that are bundled, as they ask for. */
async function collectLicences(inputs) {
  const packages = new Set(inputs.flatMap((input) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? []));
  const texts = [];
  for (const name of [...packages].sort()) {
    const folder = `node_modules/${name}`;
    const file = (await readdir(folder)).find((each) => /^licen[cs]e/i.test(each));
    if (file === undefined) throw new Error(`${name} has no licence file: look at it before it is bundled`);
    texts.push(`${name}\n\n${(await readFile(`${folder}/${file}`, 'utf8')).trim()}\n`);
  }
  await writeFile('dist/THIRD_PARTY_LICENCES.txt', texts.join(`\n${'-'.repeat(80)}\n\n`));
}
