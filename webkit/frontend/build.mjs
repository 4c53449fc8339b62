// Bundles the modules, the styles and the pictures into ../dist with their digests in their names, and lists them in manifest.json.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, extname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import * as esbuild from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, "..");
const dist = join(root, "dist");
const PRESSED = new Set([".js", ".css", ".svg"]);

/** The player library puts its style into a shadow root as an inline <style>, which the pages' policy forbids: it is taken out here, and
 * modules/player.ts adopts the same rules. Fails when a new version writes it otherwise. */
const withoutInlineStyle = {
  name: "without-inline-style",
  setup(build) {
    build.onLoad({ filter: /wavesurfer\.js[\\/]dist[\\/]wavesurfer\.esm\.js$/ }, ({ path }) => {
      const source = readFileSync(path, "utf8");
      const style = /<style\$\{.*?\}>[\s\S]*?<\/style>/g;
      const found = source.match(style) ?? [];
      if (found.length !== 1) throw new Error(`expected one <style> in ${basename(path)}, found ${found.length}`);
      stripped = true;
      return { contents: source.replace(style, ""), loader: "js" };
    });
  },
};

/** Modules and styles that stand alone: app.* for every page, pages/* for single ones, static/* as they are. */
function entries() {
  const list = (folder, ending) => {
    try {
      return readdirSync(join(root, folder)).filter((name) => name.endsWith(ending)).sort().map((name) => join(root, folder, name));
    } catch {
      return [];
    }
  };
  return [
    join(root, "modules/app.ts"),
    join(root, "styles/app.css"),
    ...list("modules/pages", ".ts"),
    ...list("styles/pages", ".css"),
    ...list("static", ""),
  ];
}

const entryPoints = entries();
let stripped = false;
const result = await esbuild.build({
  absWorkingDir: root,
  entryPoints,
  outdir: dist,
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  bundle: true,
  splitting: true,
  minify: true,
  metafile: true,
  write: false,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
  nodePaths: [join(here, "node_modules")],
  tsconfigRaw: {},
  loader: { ".woff2": "file", ".svg": "copy", ".png": "copy", ".ico": "copy" },
  plugins: [withoutInlineStyle],
});

if (!stripped) throw new Error("the player library was not found where it was");
rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
const entryOf = new Map();
for (const [output, { entryPoint, inputs }] of Object.entries(result.metafile.outputs)) {
  const source = entryPoint ?? (Object.keys(inputs).length === 1 ? Object.keys(inputs)[0] : undefined);
  if (source !== undefined) entryOf.set(basename(output), source);
}
const known = new Map(entryPoints.map((path) => [relative(root, path), path]));
const files = {};
const names = {};
for (const { path, contents } of [...result.outputFiles].sort((a, b) => (a.path < b.path ? -1 : 1))) {
  const file = basename(path);
  writeFileSync(path, contents);
  const ending = extname(file);
  const pressed = PRESSED.has(ending) ? gzipSync(contents, { level: 9 }) : undefined;
  if (pressed) writeFileSync(`${path}.gz`, pressed);
  files[file] = {
    bytes: contents.length,
    ...(pressed ? { gzip_bytes: pressed.length } : {}),
    sha256: createHash("sha256").update(contents).digest("hex"),
  };
  const entry = entryOf.get(file);
  if (entry !== undefined && known.has(entry)) names[basename(entry).replace(/\.ts$/, ".js")] = file;
}
for (const path of entryPoints) {
  const name = basename(path).replace(/\.ts$/, ".js");
  if (!(name in names)) throw new Error(`${relative(root, path)} came to nothing`);
  statSync(path);
}
const manifest = { version: 1, sources: process.env.ASSETS_SOURCES ?? "", names, files };
writeFileSync(join(dist, "manifest.json"), `${JSON.stringify(manifest, null, 1)}\n`);
