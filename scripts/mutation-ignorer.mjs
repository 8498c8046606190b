import { declareValuePlugin, PluginKind } from "@stryker-mutator/api/plugin";

/** Functions that make an error; what they are given are words for people, except the code. */
const ERROR_MAKERS = new Set([
  "count",
  "countError",
  "deniable",
  "expired",
  "inconsistent",
  "invalid",
  "invalidStart",
  "noteError",
  "refusal",
  "refuse",
  "unproven",
  "unsupported",
]);
const CODE = /^[a-z]+(-[a-z]+)+$/;

/** Whether a string is an argument, or part of one, of something that makes an error. */
function saysWhy(path) {
  for (let at = path; at.parentPath; at = at.parentPath) {
    const { parent } = at;
    if (at.listKey === "arguments" && parent.type === "NewExpression")
      return parent.callee.name?.endsWith("Error") ?? false;
    if (at.listKey === "arguments" && parent.type === "CallExpression") return ERROR_MAKERS.has(parent.callee.name);
    if (/Statement|Declaration|Function|Class/.test(parent.type)) return false;
  }
  return false;
}

/** Whether a string is what a finding's or reason's `detail` says. */
function isDetail(path) {
  for (let at = path; at.parentPath; at = at.parentPath) {
    const { parent } = at;
    if (parent.type === "ObjectProperty") return at.key === "value" && parent.key.name === "detail";
    if (parent.type === "VariableDeclarator") return parent.id.name === "detail";
    if (parent.type === "AssignmentExpression") return at.key === "right" && parent.left.name === "detail";
    if (parent.type !== "ConditionalExpression") return false;
  }
  return false;
}

/**
 * Leaves out messages, paths and section titles of errors: a test that repeats them proves nothing. Error codes are
 * mutated like everything else.
 */
export const strykerPlugins = [
  declareValuePlugin(PluginKind.Ignore, "words-for-people", {
    shouldIgnore(path) {
      const { node, parent } = path;
      if (node.type !== "StringLiteral" && node.type !== "TemplateLiteral") return undefined;
      if (node.type === "StringLiteral" && CODE.test(node.value)) return undefined;
      if (parent.type === "VariableDeclarator" && /section$/i.test(parent.id.name ?? "")) return "a section title";
      if (isDetail(path)) return "says why to people";
      return saysWhy(path) ? "says why to people" : undefined;
    },
  }),
];
