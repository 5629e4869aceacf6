#include "compiler/torch/quantized.h"

#include <ATen/Functions.h>
#include <ATen/native/quantized/PackedParams.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/passes/inliner.h>

#include "compiler/torch/decompose.h"
#include "compiler/torch/source.h"

namespace tsc {
namespace {

using torch::jit::Block;
using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::Value;
namespace prim = c10::prim;

const std::map<std::string, c10::TupleTypePtr>& quantized_types() {
  static const auto types = [] {
    const c10::TypePtr tensor = c10::TensorType::get(), maybe = c10::OptionalType::ofTensor();
    std::map<std::string, c10::TupleTypePtr> result;
    const auto add = [&](const std::string& name, const std::vector<std::string>& fields,
                         const std::vector<c10::TypePtr>& field_types) {
      result[name] = c10::TupleType::createNamed(c10::QualifiedName("tsc." + name), fields, field_types);
    };
    add("Quantized", {"values", "scale", "zero_point"}, {tensor, c10::FloatType::get(), c10::IntType::get()});
    const c10::TypePtr ints = c10::ListType::ofInts();
    add("PackedConv2d", {"weight", "scale", "zero_point", "bias", "stride", "padding", "dilation", "groups"},
        {tensor, tensor, maybe, maybe, ints, ints, ints, c10::IntType::get()});
    add("PackedLinear", {"weight", "scale", "zero_point", "bias"}, {tensor, tensor, maybe, maybe});
    add("PackedCell", {"input", "hidden", "reduce_range"},
        {result["PackedLinear"], result["PackedLinear"], c10::BoolType::get()});
    return result;
  }();
  return types;
}

bool is_type(const c10::TypePtr& type, const std::string& name) { return type == quantized_types().at(name); }

// Whether a value of the type is, or contains, one of the types above.
bool holds_quantized(const c10::TypePtr& type) {
  if (is_quantized_type(type)) return true;
  switch (type->kind()) {
    case c10::TypeKind::ListType:
    case c10::TypeKind::TupleType:
    case c10::TypeKind::OptionalType:
    case c10::TypeKind::DictType:
      return std::ranges::any_of(type->containedTypes(), holds_quantized);
    default:
      return false;
  }
}

// Unpacking.

constexpr const char* kCellClass = "__torch__.torch.classes.rnn.CellParamsBase";

c10::IValue optional(const std::optional<at::Tensor>& tensor) {
  return tensor && tensor->defined() ? c10::IValue(tensor->detach()) : c10::IValue();
}

c10::IValue make_tuple(const std::string& name, std::vector<c10::IValue> fields) {
  return c10::ivalue::Tuple::createNamed(std::move(fields), quantized_types().at(name));
}

// An int8 weight's bytes, scale and zero point; of other tensors the tensor itself with a scale of one.
struct Weight {
  at::Tensor values, scale, zero_point;

  explicit Weight(const at::Tensor& weight) : values(weight.detach()), scale(at::ones({})) {
    if (!weight.is_quantized()) return;
    values = weight.int_repr();
    if (weight.qscheme() == at::kPerTensorAffine) {
      scale = at::scalar_tensor(weight.q_scale(), at::kFloat);
      zero_point = at::scalar_tensor(weight.q_zero_point(), at::kInt);
    } else {
      scale = weight.q_per_channel_scales().to(at::kFloat).contiguous();
      zero_point = weight.q_per_channel_zero_points().to(at::kInt).contiguous();
    }
    if (zero_point.eq(0).all().item().toBool()) zero_point = at::Tensor();
  }
};

c10::IValue unpack(const c10::IValue& value);

// The layer's two products, of the input and of the state, from what the class saves: its kind, biases (which the
// products have too), no numbers, whether the range of bytes is reduced, and the packed weights.
c10::IValue unpack_cell(const c10::IValue& value) {
  torch::jit::Function* save = value.type()->expectRef<c10::ClassType>().findMethod("__getstate__");
  if (save == nullptr) return {};
  const auto state = (*save)({value}).toTuple()->elements();
  if (state.size() != 5 || state[0].toStringRef() != "quantized_dynamic") return {};
  const auto flags = state[3].toListRef(), weights = state[4].toListRef();
  return make_tuple("PackedCell", {unpack(weights[0]), unpack(weights[1]), !flags.empty() && flags[0].toInt() != 0});
}

c10::IValue unpack(const c10::IValue& value) {
  if (value.isTensor() && value.toTensor().defined() && value.toTensor().is_quantized()) {
    const at::Tensor& tensor = value.toTensor();
    if (tensor.scalar_type() != at::kQUInt8 || tensor.qscheme() != at::kPerTensorAffine) return {};
    return make_tuple("Quantized", {tensor.int_repr(), tensor.q_scale(), tensor.q_zero_point()});
  }
  if (!value.isObject() || !value.type()->cast<c10::ClassType>()) return {};
  const auto name = value.type()->expectRef<c10::ClassType>().name();
  if (!name) return {};
  if (name->qualifiedName() == "__torch__.torch.classes.quantized.LinearPackedParamsBase") {
    const auto [packed, bias] = value.toCustomClass<LinearPackedParamsBase>()->unpack();
    const Weight weight(packed);
    return make_tuple("PackedLinear", {weight.values, weight.scale, optional(weight.zero_point), optional(bias)});
  }
  if (name->qualifiedName() == "__torch__.torch.classes.quantized.Conv2dPackedParamsBase") {
    const auto packed = value.toCustomClass<ConvPackedParamsBase<2>>();
    const auto [values, bias] = packed->unpack();
    const Weight weight(values);
    if (packed->transpose() || weight.zero_point.defined()) return {};
    return make_tuple("PackedConv2d", {weight.values.contiguous(at::MemoryFormat::ChannelsLast), weight.scale,
                                       optional(weight.zero_point), optional(bias), packed->stride(), packed->padding(),
                                       packed->dilation(), packed->groups()});
  }
  if (name->qualifiedName() == kCellClass) return unpack_cell(value);
  return {};
}

void unpack_module(c10::ivalue::Object& module, std::set<const c10::ivalue::Object*>& seen,
                   std::map<const void*, c10::IValue>& unpacked) {
  if (!seen.insert(&module).second) return;
  for (size_t slot = 0; slot < module.slots().size(); ++slot) {
    const c10::IValue value = module.getSlot(slot);
    if (value.isObject() && value.isModule()) {
      unpack_module(*value.toObject(), seen, unpacked);
      continue;
    }
    if (!value.isObject() && !value.isTensor()) continue;
    // Modules that share parameters share the constants.
    c10::IValue& tuple = unpacked[value.internalToPointer()];
    if (tuple.isNone()) tuple = unpack(value);
    if (!tuple.isNone()) module.setSlot(slot, tuple);
  }
}

// Lowering.

// "quantized_add__out" is quantized::add.out; "aten_relu" is aten::relu of a quantised tensor.
torch::jit::Function* find_function(std::string op) {
  op.replace(op.find("::"), 2, "_");
  const size_t dot = op.find('.');
  torch::jit::Function* function = nullptr;
  if (dot != std::string::npos)
    function = decompositions().find_function(op.substr(0, dot) + "__" + op.substr(dot + 1));
  return function != nullptr ? function : decompositions().find_function(op.substr(0, dot));
}

torch::jit::GraphFunction* find_function(const Node* node, const std::string& op) {
  torch::jit::Function* function = find_function(op);
  if (function == nullptr || function->num_inputs() != node->inputs().size()) return nullptr;
  const auto& arguments = function->getSchema().arguments();
  for (size_t i = 0; i < arguments.size(); ++i) {
    const c10::TypePtr& given = node->input(i)->type();
    const bool is_fitting = holds_quantized(arguments[i].type()) || holds_quantized(given)
                                ? given->isSubtypeOf(*arguments[i].type())
                                : given->kind() != c10::TypeKind::ClassType;
    if (!is_fitting) return nullptr;
  }
  return torch::jit::tryToGraphFunction(*function);
}

bool takes_quantized(const Node* node) {
  for (const Value* input : node->inputs()) {
    if (holds_quantized(input->type())) return true;
  }
  return false;
}

bool asks_for_sizes(ir::Op op) {
  return op == ir::Op::size || op == ir::Op::size_dim || op == ir::Op::dim || op == ir::Op::numel ||
         op == ir::Op::len_tensor;
}

bool makes_quantized(c10::Symbol kind) {
  return kind == c10::aten::quantize_per_tensor || kind.ns().toUnqualString() == std::string_view("quantized");
}

// A list of packed parameters that scripted recurrent modules fill.
bool is_list_of_cells(const c10::TypePtr& type) {
  if (type->kind() != c10::TypeKind::ListType) return false;
  const auto element = type->containedType(0)->cast<c10::ClassType>();
  return element && element->name() && element->name()->qualifiedName() == kCellClass;
}

class Lowering {
 public:
  Lowering(const Program& program, const MethodGraph& method, Diagnostics& diagnostics)
      : program_(program), method_(method), graph_(*method.graph), diagnostics_(diagnostics) {}

  bool run() {
    name_ops(graph_.block());
    visit(graph_.block());
    for (Value* output : graph_.outputs()) {
      if (holds_quantized(output->type())) refuse(output->node(), "a quantised tensor as a result", "dequantize it");
    }
    if (changed_) torch::jit::Inline(graph_);
    return changed_;
  }

 private:
  // LibTorch tells an op's overload by its operands' types, and these change.
  void name_ops(Block* block) {
    for (Node* node : block->nodes()) {
      names_[node] = full_op_name(node);
      for (Block* inner : node->blocks()) name_ops(inner);
    }
  }

  void visit(Block* block) {
    for (auto position = block->nodes().begin(); position != block->nodes().end();) visit(*position++);
  }

  void visit(Node* node) {
    switch (node->kind()) {
      case prim::If:
        return visit_if(node);
      case prim::Loop:
        return visit_loop(node);
      case prim::Constant:
        return visit_constant(node);
      case prim::GetAttr:
        return visit_attribute(node);
      case prim::ListConstruct:
        return visit_list(node);
      default:
        break;
    }
    if (!takes_quantized(node) && !makes_quantized(node->kind())) {
      for (Block* inner : node->blocks()) visit(inner);
      return;
    }
    if (!take_apart(node)) lower(node);
  }

  // Types of branches: both are quantised, or one doesn't end.
  void visit_if(Node* node) {
    for (Block* branch : node->blocks()) visit(branch);
    for (size_t i = 0; i < node->outputs().size(); ++i) {
      Value* const values[] = {node->blocks()[0]->outputs()[i], node->blocks()[1]->outputs()[i]};
      for (int side : {0, 1}) {
        if (!holds_quantized(values[side]->type())) continue;
        Value* other = values[1 - side];
        if (other->node()->kind() == prim::Uninitialized) other->setType(values[side]->type());
        if (other->type() != values[side]->type()) return refuse_join(node);
        node->outputs()[i]->setType(other->type());
      }
    }
  }

  void visit_loop(Node* node) {
    Block* body = node->blocks()[0];
    for (size_t i = 2; i < node->inputs().size(); ++i) {
      if (holds_quantized(node->input(i)->type())) body->inputs()[i - 1]->setType(node->input(i)->type());
    }
    visit(body);
    for (size_t i = 0; i < node->outputs().size(); ++i) {
      const c10::TypePtr &before = body->inputs()[i + 1]->type(), &after = body->outputs()[i + 1]->type();
      if (!holds_quantized(before) && !holds_quantized(after)) continue;
      if (before != after) return refuse_join(node);
      node->outputs()[i]->setType(before);
    }
  }

  void visit_constant(Node* node) {
    const auto value = torch::jit::toIValue(node->output());
    if (!value) return;
    const c10::IValue tuple = unpack(*value);
    if (tuple.isNone()) return;
    const torch::jit::WithInsertPoint guard(node);
    std::vector<Value*> fields;
    for (const c10::IValue& field : tuple.toTupleRef().elements()) fields.push_back(graph_.insertConstant(field));
    replace(node, make(fields));
  }

  void visit_attribute(Node* node) {
    const auto attribute = program_.attribute_of(node);
    if (!attribute || !attribute->value().isTuple()) return;
    const c10::TypePtr type = attribute->value().type();
    if (!holds_quantized(type)) return;
    node->output()->setType(type);
    changed_ = true;
  }

  void visit_list(Node* node) {
    if (is_list_of_cells(node->output()->type()) && node->inputs().empty()) {
      node->output()->setType(c10::ListType::create(quantized_types().at("PackedCell")));
      changed_ = true;
      return;
    }
    if (!takes_quantized(node)) return;
    const c10::TypePtr type = node->input(0)->type();
    for (const Value* element : node->inputs()) {
      if (element->type() != type) return refuse_join(node);
    }
    node->output()->setType(c10::ListType::create(type));
  }

  // Tuples and lists give out what was put in.
  bool take_apart(Node* node) {
    const c10::TypePtr& type = node->inputs().empty() ? c10::NoneType::get() : node->input(0)->type();
    switch (node->kind()) {
      case prim::TupleConstruct: {
        std::vector<c10::TypePtr> types;
        for (const Value* input : node->inputs()) types.push_back(input->type());
        node->output()->setType(node->output()->type()->withContained(std::move(types)));
        return true;
      }
      case prim::TupleIndex:
        if (const auto index = torch::jit::constant_as<int64_t>(node->input(1)))
          node->output()->setType(
              type->containedTypes().at(*index < 0 ? *index + type->containedTypes().size() : *index));
        return true;
      case prim::TupleUnpack:
        for (size_t i = 0; i < node->outputs().size(); ++i) node->output(i)->setType(type->containedTypes().at(i));
        return true;
      case prim::ListUnpack:
        for (Value* output : node->outputs()) output->setType(type->containedType(0));
        return true;
      case c10::aten::__getitem__:
        if (type->kind() != c10::TypeKind::ListType) return false;
        node->output()->setType(type->containedType(0));
        return true;
      case c10::aten::append:
        if (type->kind() != c10::TypeKind::ListType || type->containedType(0) != node->input(1)->type()) return false;
        node->output()->setType(type);
        return true;
      case c10::aten::len:
        return type->kind() == c10::TypeKind::ListType;
      default:
        return false;
    }
  }

  void lower(Node* node) {
    const bool quantizes = node->kind() == c10::aten::quantize_per_tensor;
    if (quantizes && torch::jit::constant_as<int64_t>(node->inputs().back()) != static_cast<int64_t>(at::kQUInt8)) {
      return refuse(node, names_.at(node) + " to another dtype than quint8",
                    "activations are quint8 in PyTorch's engines for x86");
    }
    const std::string& name = names_.at(node);
    if (auto* function = find_function(node, name)) {
      changed_ = true;
      return inline_function(node, function);
    }
    const auto row = ir::find_aten(name);
    const bool is_of_one = row && row->form == ir::Form::kFunctional && is_type(node->input(0)->type(), "Quantized") &&
                           std::none_of(node->inputs().begin() + 1, node->inputs().end(),
                                        [](const Value* v) { return holds_quantized(v->type()); });
    const bool is_tensor = node->outputs().size() == 1 && node->output()->type()->kind() == c10::TypeKind::TensorType;
    const bool is_view =
        is_of_one && ir::op_info(row->op).op_class == ir::OpClass::kView && row->op != ir::Op::as_strided;
    if (is_view && is_tensor) return lower_view(node);
    if (is_of_one && asks_for_sizes(row->op)) {
      node->replaceInput(0, field_before(node, node->input(0), 0));
      return;
    }
    const bool is_own = node->kind().ns().toUnqualString() == std::string_view("quantized");
    refuse(node, name + (is_own ? "" : " of a quantised tensor"),
           is_own ? "keep this module in float" : "dequantize before it, or keep this module in float");
  }

  // A view of the values has the tensor's scale and zero point.
  void lower_view(Node* node) {
    Value* quantized = node->input(0);
    Value* scale = field_before(node, quantized, 1);
    Value* zero_point = field_before(node, quantized, 2);
    node->replaceInput(0, field_before(node, quantized, 0));
    const torch::jit::WithInsertPoint guard(node->next());
    Value* result = make({node->output(), scale, zero_point});
    node->output()->replaceAllUsesAfterNodeWith(result->node(), result);
    changed_ = true;
  }

  Value* field_before(Node* node, Value* tuple, int64_t index) {
    const torch::jit::WithInsertPoint guard(node);
    const c10::TypePtr type = tuple->type()->containedTypes().at(index);
    return graph_.insertNode(graph_.createTupleIndex(tuple, graph_.insertConstant(index), type))->output();
  }

  Value* make(const std::vector<Value*>& fields) {
    return graph_.insertNode(graph_.createTuple(fields, quantized_types().at("Quantized")))->output();
  }

  void replace(Node* node, Value* by) {
    node->output()->replaceAllUsesWith(by);
    node->destroy();
    changed_ = true;
  }

  void refuse_join(const Node* node) {
    refuse(node, "a value that is quantised on some paths only", "quantize or dequantize it on all of them");
  }
  void refuse(const Node* node, const std::string& what, const std::string& advice) {
    diagnostics_.add(
        make_diagnostic_at(source_of(node, method_.name), names_[node], Error::unsupported_op, what, advice));
  }

  const Program& program_;
  const MethodGraph& method_;
  Graph& graph_;
  Diagnostics& diagnostics_;
  std::unordered_map<const Node*, std::string> names_;
  bool changed_ = false;
};

}  // namespace

c10::TypePtr quantized_type(const std::string& name) {
  const auto found = quantized_types().find(name);
  return found == quantized_types().end() ? nullptr : found->second;
}

bool is_quantized_type(const c10::TypePtr& type) {
  return std::ranges::any_of(quantized_types(), [&](const auto& known) { return type == known.second; });
}

bool is_packed_type(const c10::TypePtr& type) { return is_quantized_type(type) && !is_type(type, "Quantized"); }

void unpack_quantized_attributes(Program& program) {
  std::set<const c10::ivalue::Object*> seen;
  std::map<const void*, c10::IValue> unpacked;
  unpack_module(*program.root._ivalue(), seen, unpacked);
}

bool has_quantized_function(const c10::FunctionSchema& schema) {
  const torch::jit::Function* function = find_function(full_op_name(schema));
  return function != nullptr && function->num_inputs() == schema.arguments().size();
}

bool lower_quantized(const Program& program, const MethodGraph& method, Diagnostics& diagnostics) {
  return Lowering(program, method, diagnostics).run();
}

}  // namespace tsc
