// Show the OpenAPI description as tables, without a library from elsewhere.

const api = document.getElementById("api");

function element(tag, text, className = "") {
  return Object.assign(document.createElement(tag), { textContent: text, className });
}

// The values that a field takes, in words: "number", "integer or null", "linear, slerp".
function values(schema) {
  if (schema.enum) return schema.enum.join(", ");
  if (schema.const !== undefined) return String(schema.const);
  if (schema.anyOf) return schema.anyOf.map(values).join(" or ");
  const limits = [
    schema.minimum === undefined ? "" : `from ${schema.minimum}`,
    schema.maximum === undefined ? "" : `to ${schema.maximum}`,
  ];
  return [schema.format === "binary" ? "file" : schema.type, ...limits].filter(Boolean).join(" ");
}

const defaultOf = (schema) => (schema.default === undefined || schema.default === null ? "" : String(schema.default));

function table(caption, head, rows) {
  const box = element("div", "", "table");
  const found = document.createElement("table");
  found.append(element("caption", caption));
  const names = document.createElement("tr");
  names.append(...head.map((name) => element("td", name)));
  found.append(names);
  for (const [first, ...rest] of rows) {
    const row = document.createElement("tr");
    row.append(Object.assign(element("th", first), { scope: "row" }), ...rest.map((text) => element("td", text)));
    found.append(row);
  }
  box.append(found);
  return box;
}

function fields(caption, properties) {
  const rows = Object.entries(properties).map(([name, schema]) => [
    name,
    values(schema),
    defaultOf(schema),
    schema.description ?? "",
  ]);
  return table(caption, ["field", "values", "default", ""], rows);
}

function operation(method, path, described) {
  const section = document.createElement("section");
  section.append(element("h2", `${method.toUpperCase()} ${path}`), element("p", described.summary));
  if (described.description) section.append(element("p", described.description, "description"));
  const form = described.requestBody?.content["multipart/form-data"];
  if (form) section.append(fields("Fields of the form, or of the query with the picture as the body", form.schema.properties));
  if (described["x-settings"]) section.append(fields("Settings", described["x-settings"].properties));
  const answers = Object.entries(described.responses).map(([status, answer]) => [status, answer.description]);
  section.append(table("Answers", ["status", ""], answers));
  return section;
}

const { paths } = await (await fetch("openapi.json")).json();
for (const [path, operations] of Object.entries(paths)) {
  for (const [method, described] of Object.entries(operations)) api.append(operation(method, path, described));
}
api.removeAttribute("aria-busy");
