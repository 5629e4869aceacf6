// Which module attributes do the methods write? A value of an attribute, or something that may share memory with it,
// reaches an op that writes. LibTorch's alias analysis puts all attributes of a module into one alias set and so finds
// far too many; here memory flows along the edges of one graph over all methods' values, with the attributes as nodes:
// a read adds attribute -> value, an assignment value -> attribute, a view operand -> result, a list element -> list.
// Containers also pass memory backwards, for what is put into an inner list is then in the outer one.
#include <torch/csrc/jit/ir/constants.h>

#include <algorithm>
#include <deque>
#include <map>
#include <unordered_map>

#include "compiler/torch/program.h"
#include "compiler/torch/quantized.h"

namespace tsc {
namespace {

using torch::jit::Block;
using torch::jit::Node;
using torch::jit::Value;
namespace prim = c10::prim;

// What memory a value of a type can hold.
enum Memory : unsigned { kNothing = 0, kTensorMemory = 1, kContainerMemory = 2, kAnyMemory = 3 };

unsigned memory_of(const c10::TypePtr& type) {
  switch (type->kind()) {
    case c10::TypeKind::TensorType:
      return kTensorMemory;
    case c10::TypeKind::IntType:
    case c10::TypeKind::FloatType:
    case c10::TypeKind::BoolType:
    case c10::TypeKind::ComplexType:
    case c10::TypeKind::NumberType:
    case c10::TypeKind::StringType:
    case c10::TypeKind::NoneType:
    case c10::TypeKind::DeviceObjType:
    case c10::TypeKind::EnumType:
    case c10::TypeKind::FunctionType:
    case c10::TypeKind::LayoutType:
    case c10::TypeKind::ScalarTypeType:
    case c10::TypeKind::MemoryFormatType:
      return kNothing;
    case c10::TypeKind::OptionalType:
      return memory_of(type->containedType(0));
    case c10::TypeKind::ListType:
    case c10::TypeKind::DictType:
    case c10::TypeKind::TupleType: {
      unsigned memory = kContainerMemory;
      for (const c10::TypePtr& element : type->containedTypes()) memory |= memory_of(element);
      return memory;
    }
    default:
      return kAnyMemory;  // classes, unions, Any, type variables
  }
}

// Whether a class is the program's own; others are modules, and classes written in C++, such as quantized weights.
bool is_of_program(const c10::ClassType& type) {
  return !type.is_module() && !(type.name() && type.name()->qualifiedName().starts_with("__torch__.torch.classes."));
}

// Objects of user classes: programs compare them by identity, which constants don't have.
bool holds_object(const c10::TypePtr& type) {
  if (const auto class_type = type->cast<c10::ClassType>()) return is_of_program(*class_type);
  return std::ranges::any_of(type->containedTypes(), holds_object);
}

// Nobody writes packed parameters, which no program can look into.
unsigned memory_of(const ModuleAttribute& attribute) {
  const bool is_packed = attribute.value().isTuple() && is_packed_type(attribute.value().type());
  return is_packed ? unsigned{kNothing} : memory_of(attribute.owner->type()->getAttribute(attribute.slot));
}

// Ops that may return an operand itself or a view of it though their schemas don't say so.
bool may_return_operand(c10::Symbol kind) {
  static const std::set<std::string> names = {
      "aten::dropout",       "aten::feature_dropout", "aten::alpha_dropout",    "aten::feature_alpha_dropout",
      "aten::type_as",       "aten::einsum",          "aten::meshgrid",         "aten::broadcast_tensors",
      "aten::atleast_1d",    "aten::atleast_2d",      "aten::atleast_3d",       "aten::sum_to_size",
      "prim::annotate",      "prim::unchecked_cast",  "aten::_unwrap_optional", "prim::unchecked_unwrap_optional",
      "prim::TupleIndex",    "prim::TupleSlice",      "prim::TupleUnpack",      "prim::ListUnpack",
      "prim::ListConstruct", "prim::TupleConstruct",  "prim::DictConstruct",    "prim::data"};
  return names.contains(kind.toQualString());
}

bool changes_shape(const std::string& name) {
  static const std::set<std::string> names = {"aten::resize_",     "aten::resize_as_", "aten::set_",
                                              "aten::squeeze_",    "aten::unsqueeze_", "aten::transpose_",
                                              "aten::t_",          "aten::swapaxes_",  "aten::swapdims_",
                                              "aten::as_strided_", "aten::set_data",   "aten::resize_as_sparse_",
                                              "tsc::write_out_"};
  return names.contains(name);
}

class Flow {
 public:
  explicit Flow(Program& program) : program_(program) {}

  void run() {
    for (const MethodGraph& method : program_.methods) visit(method.graph->block());
    for (const auto& [attribute, id] : attributes_) judge(attribute, id);
    for (const auto& [node, id] : constants_) {
      if (reaches_write(id, kTensorMemory).written) program_.written_constants.insert(node);
    }
    add_sharers_of_written_memory();
  }

 private:
  using Id = size_t;
  struct Write {
    unsigned memory = kNothing;
    bool changes_shape = false;
  };
  struct Verdict {
    bool written = false;
    bool changes_shape = false;
  };

  Id add(unsigned memory) {
    memory_.push_back(memory);
    edges_.emplace_back();
    writes_.emplace_back();
    return memory_.size() - 1;
  }
  Id id_of(const Value* value) {
    const auto [position, is_new] = values_.try_emplace(value, 0);
    if (is_new) position->second = add(memory_of(value->type()));
    return position->second;
  }
  Id id_of(const ModuleAttribute& attribute) {
    const auto [position, is_new] = attributes_.try_emplace(attribute, 0);
    if (is_new) position->second = add(memory_of(attribute));
    return position->second;
  }
  void connect(Id from, Id to) {
    if (memory_[from] == kNothing || memory_[to] == kNothing) return;
    edges_[from].push_back(to);
    if (memory_[from] & memory_[to] & kContainerMemory) edges_[to].push_back(from);
  }
  void connect(const Value* from, const Value* to) { connect(id_of(from), id_of(to)); }
  void connect_all_inputs(const Node* node) {
    for (const Value* output : node->outputs()) {
      for (const Value* input : node->inputs()) connect(input, output);
    }
  }

  void visit(const Block* block) {
    for (const Node* node : block->nodes()) visit(node);
  }

  void visit(const Node* node) {
    for (const Block* block : node->blocks()) visit(block);
    switch (node->kind()) {
      case prim::If:
        for (const Block* block : node->blocks()) {
          for (size_t i = 0; i < node->outputs().size(); ++i) connect(block->outputs()[i], node->outputs()[i]);
        }
        return;
      case prim::Loop:
        visit_loop(node);
        return;
      case prim::GetAttr:
        if (const auto attribute = program_.attribute_of(node)) {
          connect(id_of(*attribute), id_of(node->output()));
        } else {
          connect_all_inputs(node);
        }
        return;
      case prim::SetAttr:
        if (const auto attribute = program_.attribute_of(node)) {
          connect(id_of(node->inputs()[1]), id_of(*attribute));
          assigned_.insert(*attribute);
        } else {
          connect(node->inputs()[1], node->inputs()[0]);
          writes_[id_of(node->inputs()[0])].memory |= kContainerMemory;
        }
        return;
      case prim::Constant:
        if (node->output()->type()->isSubtypeOf(*c10::TensorType::get())) constants_[node] = id_of(node->output());
        return;
      default:
        visit_operator(node);
    }
  }

  void visit_loop(const Node* node) {
    const Block* body = node->blocks()[0];
    for (size_t i = 0; i < node->outputs().size(); ++i) {
      connect(node->inputs()[2 + i], body->inputs()[1 + i]);
      connect(node->inputs()[2 + i], node->outputs()[i]);
      connect(body->outputs()[1 + i], body->inputs()[1 + i]);
      connect(body->outputs()[1 + i], node->outputs()[i]);
    }
  }

  void visit_operator(const Node* node) {
    if (may_return_operand(node->kind())) {
      connect_all_inputs(node);
      return;
    }
    const auto* schema = node->maybeSchema();
    if (schema == nullptr || schema->is_vararg()) return;
    visit_normalisation(node);
    const auto& arguments = schema->arguments();
    for (size_t i = 0; i < arguments.size() && i < node->inputs().size(); ++i) {
      if (arguments[i].alias_info() == nullptr || !arguments[i].alias_info()->isWrite()) continue;
      const unsigned memory = memory_of(arguments[i].type());
      const bool writes_tensors = memory & kTensorMemory && !(memory_of(node->inputs()[i]->type()) == kContainerMemory);
      const bool is_container = arguments[i].type()->kind() != c10::TypeKind::TensorType;
      Write& write = writes_[id_of(node->inputs()[i])];
      write.memory |= is_container ? kContainerMemory : (writes_tensors ? kTensorMemory : kNothing);
      write.changes_shape = write.changes_shape || changes_shape(node->kind().toQualString());
      if (!is_container) continue;
      for (size_t j = 0; j < node->inputs().size(); ++j) {
        if (j != i) connect(node->inputs()[j], node->inputs()[i]);
      }
    }
    for (size_t i = 0; i < node->outputs().size() && i < schema->returns().size(); ++i) {
      const auto* alias = schema->returns()[i].alias_info();
      const unsigned memory = memory_of(node->outputs()[i]->type());
      if (alias == nullptr && !(memory & kContainerMemory)) continue;
      for (const Value* input : node->inputs()) connect(input, node->outputs()[i]);
    }
  }

  // Their schemas don't say that training updates the running statistics.
  void visit_normalisation(const Node* node) {
    const std::string name = node->kind().toQualString();
    if (name != "aten::batch_norm" && name != "aten::instance_norm") return;
    const auto training = torch::jit::constant_as<bool>(node->inputs()[5]);
    if (training == false) return;
    writes_[id_of(node->inputs()[3])].memory |= kTensorMemory;
    writes_[id_of(node->inputs()[4])].memory |= kTensorMemory;
  }

  Verdict reaches_write(Id start, unsigned memory) {
    Verdict verdict;
    std::vector<bool> seen(memory_.size(), false);
    std::deque<Id> queue = {start};
    seen[start] = true;
    while (!queue.empty()) {
      const Id id = queue.front();
      queue.pop_front();
      if (writes_[id].memory & memory) {
        verdict.written = true;
        verdict.changes_shape = verdict.changes_shape || writes_[id].changes_shape;
      }
      for (const Id next : edges_[id]) {
        if (seen[next]) continue;
        seen[next] = true;
        queue.push_back(next);
      }
    }
    return verdict;
  }

  void judge(const ModuleAttribute& attribute, Id id) {
    const Verdict verdict = reaches_write(id, memory_[id]);
    const bool is_assigned = assigned_.contains(attribute);
    const bool is_object = holds_object(attribute.owner->type()->getAttribute(attribute.slot));
    if (verdict.written || is_assigned || is_object) program_.written.insert(attribute);
    if (verdict.changes_shape || is_assigned) program_.reassigned.insert(attribute);
  }

  // What shares a list, an object or a tensor's memory with a written attribute changes with it.
  void add_sharers_of_written_memory() {
    // Until `visit` says that it has seen enough.
    const auto visit_memory = [](const c10::IValue& value, const auto& visit) {
      value.visit([&](const c10::IValue& part) {
        const bool has_storage = part.isTensor() && part.toTensor().defined() && part.toTensor().has_storage();
        const bool is_memory = has_storage || part.isList() || part.isGenericDict() || part.isObject();
        return is_memory && visit(part);
      });
    };
    c10::IValue::HashAliasedIValues written;
    for (const ModuleAttribute& attribute : program_.written) {
      visit_memory(attribute.value(), [&](const c10::IValue& part) {
        written.insert(part);
        return false;
      });
    }
    for (const auto& [attribute, id] : attributes_) {
      if (program_.written.contains(attribute) || memory_[id] == kNothing) continue;
      if (attribute.value().isObject() && attribute.value().isModule()) continue;
      bool shares = false;
      visit_memory(attribute.value(),
                   [&](const c10::IValue& part) { return shares = shares || written.contains(part); });
      if (shares) program_.written.insert(attribute);
    }
  }

  Program& program_;
  std::unordered_map<const Value*, Id> values_;
  std::map<ModuleAttribute, Id> attributes_;
  std::map<const Node*, Id> constants_;
  std::set<ModuleAttribute> assigned_;
  std::vector<unsigned> memory_;
  std::vector<std::vector<Id>> edges_;
  std::vector<Write> writes_;
};

}  // namespace

void find_written_attributes(Program& program) {
  program.written.clear();
  program.reassigned.clear();
  program.written_constants.clear();
  Flow(program).run();
}

}  // namespace tsc
