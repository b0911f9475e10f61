// Run modules one after the other; what each prints follows a mark.
import { pathToFileURL } from "node:url";

for (const file of process.argv.slice(2)) {
  process.stdout.write("\x1e");
  await import(pathToFileURL(file));
}
