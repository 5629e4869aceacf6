// One method's TorchScript graph into a function of the IR.
#pragma once

#include <map>
#include <vector>

#include "compiler/diagnostic.h"
#include "compiler/torch/program.h"
#include "compiler/torch/values.h"

namespace tsc {

// Converts the methods of a program, which share classes, constants and state.
class Converter {
 public:
  Converter(const Program& program, ir::Graph& graph, ValueMapper& mapper, Diagnostics& diagnostics);

  // Adds the function. Its inputs' types are the schema's. What has no form in the IR goes to the diagnostics.
  ir::FunctionId convert(const MethodGraph& method);

 private:
  using Node = torch::jit::Node;
  using Value = torch::jit::Value;

  void declare_state();
  void convert_block(const torch::jit::Block* block, ir::BlockId target);
  void convert_node(const Node* node, ir::BlockId target);
  void convert_constant(const Node* node, ir::BlockId target);
  void convert_attribute_read(const Node* node, ir::BlockId target);
  void convert_attribute_write(const Node* node, ir::BlockId target);
  void convert_if(const Node* node, ir::BlockId target);
  void convert_loop(const Node* node, ir::BlockId target);
  void convert_by_row(const Node* node, ir::BlockId target);
  std::optional<ir::ValueId> number_operand(const Node* node, const ir::AtenMatch& match);
  std::vector<ir::ValueId> adapt_operands(const Node* node, const ir::AtenMatch& match);
  ir::ValueId default_operand(const ir::Parameter& parameter);
  ir::NodeId emit(const Node* node, ir::BlockId target, ir::Op op, std::vector<ir::ValueId> inputs);
  void read_state(const Node* node, ir::BlockId target, const std::string& field, const ir::Type& type);
  void bind(const Value* value, ir::ValueId id);
  ir::ValueId operand(const Value* value);
  ir::SourceId source(const Node* node);
  void report(const Node* node, Diagnostic diagnostic);
  void replace_by_uninitialized(const Node* node, ir::BlockId target);

  const Program& program_;
  std::string method_;  // the one being converted
  ir::Graph& graph_;
  ValueMapper& mapper_;
  Diagnostics& diagnostics_;
  std::map<ModuleAttribute, std::string> fields_;       // of written attributes
  std::map<const Node*, std::string> constant_fields_;  // of constants that are written
  std::map<std::string, ir::Type> field_types_;
  std::map<ModuleAttribute, ir::ValueId> attribute_constants_;
  std::unordered_map<const Value*, ir::ValueId> values_;
  std::map<std::pair<std::string, int>, std::vector<ir::SourceId>> sources_;  // by innermost frame
};

}  // namespace tsc
