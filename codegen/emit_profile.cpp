#include "codegen/emit_profile.h"

#include "passes/cost.h"

namespace tsc::codegen {

using namespace ir;

std::string profile_lap(ModelContext& model, const std::string& watch, ProfileRow row, const std::string& work) {
  row.method = model.method;
  model.profile.push_back(std::move(row));
  return fmt::format("{}.lap({}::times[{}]{});", watch, model.profile_name, model.profile.size() - 1,
                     work.empty() ? "" : ", " + work);
}

std::string profile_work(const ModelContext& model, const Node& group,
                         const std::function<std::string(const Dim&)>& size) {
  const passes::Cost cost = passes::group_cost(model.graph, group);
  return fmt::format("{{{}, {}}}", size(cost.operations), size(cost.bytes));
}

void emit_profile_times(const ModelContext& model, Writer& out) {
  out.blank();
  out.comment("What --profile counts, by rows of the table at the end.");
  out.open("namespace {}", model.profile_name);
  // An array has at least one element.
  out.line("static tsc_profile_time times[{}];", std::max<size_t>(1, model.profile.size()));
  out.close("  // namespace " + model.profile_name);
}

namespace {

// The ops that a row times: a group's members, or the op itself.
std::vector<NodeId> ops_of(const Graph& graph, const ProfileRow& row) {
  if (row.node == kNoId) return {};
  const Node& node = graph.node(row.node);
  return node.op == Op::group ? graph.block(node.blocks[0]).nodes : std::vector<NodeId>{row.node};
}

}  // namespace

void emit_profile_table(const ModelContext& model, Writer& out) {
  std::string ops, rows;
  size_t op_count = 0;
  for (const ProfileRow& row : model.profile) {
    const std::vector<NodeId> members = ops_of(model.graph, row);
    for (const NodeId id : members) {
      const Node& node = model.graph.node(id);
      ops += fmt::format("    {{{}, {}, {}}},\n", string_literal(op_info(node.op).name),
                         string_literal(source_comment(model.graph.source(node))), id);
    }
    rows += fmt::format("    {{{}, {}, {}, {}, {}}},\n", string_literal(row.method), string_literal(row.name),
                        string_literal(row.kind), members.empty() ? "nullptr" : fmt::format("kOps + {}", op_count),
                        members.size());
    op_count += members.size();
  }
  out.blank();
  out.open("namespace {}", model.profile_name);
  if (!ops.empty()) out.append(fmt::format("static constexpr tsc_profile_op kOps[] = {{\n{}}};\n", ops));
  if (!rows.empty()) out.append(fmt::format("static constexpr tsc_profile_row kRows[] = {{\n{}}};\n", rows));
  out.close("  // namespace " + model.profile_name);
  out.line("extern const tsc_profile kProfile;");
  out.open("const tsc_profile kProfile =");
  out.line(".model = {},", string_literal(model.graph.name));
  out.line(".rows = {},", rows.empty() ? "nullptr" : model.profile_name + "::kRows");
  out.line(".times = {}::times,", model.profile_name);
  out.line(".row_count = {},", model.profile.size());
  out.close(";");
}

}  // namespace tsc::codegen
