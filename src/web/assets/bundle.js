// Bundles in a folder that was picked: which files are papers, and which are chunks. The names only
// sort the files; the appliance builds its own from what is signed.

const ROOT = /^root\/([1-9]\d{0,8})\.json$/;
const ROOT_SIGNATURE = /^root\/([1-9]\d{0,8})\.([0-9a-f]{16})\.minisig$/;
const SIGNATURE = /^manifest\.([0-9a-f]{16})\.minisig$/;
const CHUNK = /^chunks\/[0-9a-f]{2}\/([0-9a-f]{64})\.zst$/;
const MANIFEST_BYTES_MAX = 4 * 1024 * 1024;

/** The bundles among the files, by name: {name, files: path inside the bundle → File}. */
export function bundlesIn(files) {
  const byPath = new Map([...files].map((file) => [file.webkitRelativePath || file.name, file]));
  const homes = [...byPath.keys()].filter((path) => /(^|\/)manifest\.json$/.test(path)).map((path) => path.slice(0, -"manifest.json".length));
  const bundles = homes.sort().map((home) => ({ name: home.replace(/\/$/, ""), files: new Map() }));
  for (const [path, file] of byPath) {
    const bundle = bundles.find(({ name }) => path.startsWith(name === "" ? "" : `${name}/`));
    bundle?.files.set(path.slice(bundle.name === "" ? 0 : bundle.name.length + 1), file);
  }
  return bundles;
}

/** The papers of a bundle, as the appliance takes them; `null` where they cannot be a bundle's. */
export async function papersOf({ files }) {
  const manifest = files.get("manifest.json");
  if (manifest.size > MANIFEST_BYTES_MAX) return null;
  const roots = [];
  for (const [path, file] of files) {
    const version = ROOT.exec(path)?.[1];
    if (!version) continue;
    const signatures = signaturesOf(files, (name) => {
      const match = ROOT_SIGNATURE.exec(name);
      return match?.[1] === version ? match[2] : undefined;
    });
    roots.push({ version: Number(version), text: await file.text(), signatures: await signatures });
  }
  const signatures = await signaturesOf(files, (name) => SIGNATURE.exec(name)?.[1]);
  return { roots, manifest: { text: await manifest.text(), signatures } };
}

async function signaturesOf(files, keyOf) {
  const signatures = [];
  for (const [path, file] of files) {
    const key = keyOf(path);
    if (key) signatures.push({ key, text: await file.text() });
  }
  return signatures;
}

/** The packed chunks of a bundle, by hash. */
export function chunksOf({ files }) {
  const chunks = new Map();
  for (const [path, file] of files) {
    const hash = CHUNK.exec(path)?.[1];
    if (hash) chunks.set(hash, file);
  }
  return chunks;
}
