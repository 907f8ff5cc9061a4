// What both programs of this folder share: how they are spoken to, by lines on
// stdin and stdout as ../child.go has it, and what they tell of themselves.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const versionOf = (name) =>
  JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url))).version;

// about is the JSON after the first word of the first answer.
export const about = (...names) =>
  JSON.stringify({
    node: process.versions.node,
    openssl: process.versions.openssl,
    versions: names.map(versionOf),
  });

// talk hands the first line, which is JSON, to start, and every further line to
// answer, and writes what they return. The end of stdin is the end of the process.
export async function talk(start, answer) {
  let started = false;
  for await (const line of createInterface({ input: process.stdin })) {
    const reply = started ? await answer(line) : await start(JSON.parse(line));
    started = true;
    process.stdout.write(reply + '\n');
  }
  process.exit(0);
}

// inOneLine is why a token was refused.
export const inOneLine = (error) => String(error?.message ?? error).replace(/\s+/g, ' ');
