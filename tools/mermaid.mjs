// Reads a JSON list of Mermaid texts from stdin; says of each how many nodes and edges Mermaid itself finds, and their
// labels. Ends with an error at the first text that Mermaid does not read. Run by tools/mermaid.py.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(pathToFileURL(process.argv[2] + "/"));
const { JSDOM } = require("jsdom");
const window = new JSDOM("").window;
globalThis.window = window;
globalThis.document = window.document;
const { default: mermaid } = await import(pathToFileURL(require.resolve("mermaid")));

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const found = [];
for (const text of JSON.parse(Buffer.concat(chunks).toString("utf8"))) {
  try {
    await mermaid.parse(text);
    const { db } = await mermaid.mermaidAPI.getDiagramFromText(text);
    const vertices = [...db.getVertices().values()];
    found.push({ nodes: vertices.map((one) => one.text), edges: db.getEdges().map((one) => one.text) });
  } catch (error) {
    console.error(`${text}\n${error.message}`);
    process.exit(1);
  }
}
console.log(JSON.stringify(found));
