// How @hey-api/openapi-ts makes its client; the extension is what Node asks of imports.
export default {
  input: process.env.DOCUMENT,
  output: { path: "campaigns", module: { extension: ".js" } },
  plugins: ["@hey-api/client-fetch"],
};
