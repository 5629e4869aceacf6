#include "codegen/emit_common.h"

#include "codegen/emit_launch.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "compiler/ir/assert.h"
#include "compiler/ir/effects.h"
#include "compiler/ir/tensor_data.h"
#include "passes/region.h"

namespace tsc::codegen {

using namespace ir;

std::string class_name(const Graph& graph, ClassId id) {
  static const std::set<std::string, std::less<>> kTaken = {
      "Any",  "Complex", "ConstantList", "ConstantTensor", "Context", "Copy",     "DType",   "Device", "Dict",
      "Error", "ErrorKind", "Indices",    "InstanceState",  "List",    "MethodCall", "ModelTable", "NamedTuple", "None",
      "Object", "Optional", "Ref",        "Scalar",         "Sizes",   "Source",   "State",   "Storage", "Str",
      "Tensor", "Text",    "Tuple",       "Vec",            "Writer"};
  const std::string name = camel_case(identifier(graph.classes[id].name));
  bool is_taken = kTaken.contains(name);
  for (ClassId other = 0; other < id; ++other) {
    is_taken = is_taken || camel_case(identifier(graph.classes[other].name)) == name;
  }
  return is_taken ? fmt::format("{}{}", name, id) : name;
}

std::string cpp_type(const Graph& graph, const Type& type) {
  const auto of = [&](size_t i) { return cpp_type(graph, type.elements[i]); };
  switch (type.kind) {
    case Type::Kind::kTensor:
      return "Tensor";
    case Type::Kind::kInt:
      return "i64";
    case Type::Kind::kFloat:
      return "double";
    case Type::Kind::kBool:
      return "bool";
    case Type::Kind::kComplex:
      return "Complex<double>";
    case Type::Kind::kNumber:
      return "Scalar";
    case Type::Kind::kStr:
      return "Str";
    case Type::Kind::kNone:
      return "None";
    case Type::Kind::kDevice:
      return "Device";
    case Type::Kind::kList:
      return fmt::format("List<{}>", of(0));
    case Type::Kind::kDict:
      return fmt::format("Dict<{}, {}>", of(0), of(1));
    case Type::Kind::kTuple: {
      std::string text;
      for (size_t i = 0; i < type.elements.size(); ++i) text += (i ? ", " : "") + of(i);
      if (type.class_id == 0) return fmt::format("Tuple<{}>", text);
      return fmt::format("NamedTuple<{}Names, {}>", class_name(graph, type.class_id - 1), text);
    }
    case Type::Kind::kOptional:
      return fmt::format("Optional<{}>", of(0));
    case Type::Kind::kClass:
    case Type::Kind::kInterface:
      return fmt::format("Ref<{}>", class_name(graph, type.class_id));
    case Type::Kind::kEnum:
      return class_name(graph, type.class_id);
    case Type::Kind::kUnion:
    case Type::Kind::kAny:
    case Type::Kind::kFuture:
    case Type::Kind::kFunction:
    case Type::Kind::kGenerator:
      return "Any";
  }
  return "Any";
}

namespace {

// Whether the function, or one that it calls, has a node like that.
template <class Predicate>
bool any_node(const Graph& graph, const Function& function, const Predicate& is_wanted, std::set<std::string>& visited) {
  if (!visited.insert(function.name).second) return false;
  bool found = false;
  for_each_node(graph, function.body, [&](NodeId id) {
    const Node& node = graph.node(id);
    found = found || is_wanted(node);
    if (node.op != Op::call) return;
    for (const Function& callee : graph.functions) {
      if (callee.name == str_attribute(node, "function")) found = any_node(graph, callee, is_wanted, visited) || found;
    }
  });
  return found;
}

}  // namespace

bool uses_state(const Graph& graph, const Function& function) {
  std::set<std::string> visited;
  const auto reads_or_writes = [](const Node& node) {
    return node.op == Op::state_get || node.op == Op::state_set || node.op == Op::state_ref;
  };
  return any_node(graph, function, reads_or_writes, visited);
}

bool draws_random_numbers(const Graph& graph, const Function& function) {
  std::set<std::string> visited;
  return any_node(graph, function, [&](const Node& node) { return is_random(graph, node); }, visited);
}

std::string cpp_element(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
      return "float";
    case DType::kFloat64:
      return "double";
    case DType::kInt64:
      return "i64";
    case DType::kInt32:
      return "int32_t";
    case DType::kInt16:
      return "int16_t";
    case DType::kInt8:
      return "int8_t";
    case DType::kUInt8:
      return "uint8_t";
    case DType::kBool:
      return "bool";
    case DType::kFloat16:
      return "Float16";
    case DType::kBFloat16:
      return "BFloat16";
    default:
      return std::string(dtype_cpp_name(dtype));
  }
}

std::string cpp_value(DType dtype) { return cpp_element(passes::is_half(dtype) ? DType::kFloat32 : dtype); }

std::string dtype_constant(DType dtype) {
  switch (dtype) {
    case DType::kUInt8:
      return "DType::kUInt8";
    case DType::kInt8:
      return "DType::kInt8";
    case DType::kInt16:
      return "DType::kInt16";
    case DType::kInt32:
      return "DType::kInt32";
    case DType::kInt64:
      return "DType::kInt64";
    case DType::kFloat16:
      return "DType::kFloat16";
    case DType::kFloat32:
      return "DType::kFloat32";
    case DType::kFloat64:
      return "DType::kFloat64";
    case DType::kComplex32:
      return "DType::kComplex32";
    case DType::kComplex64:
      return "DType::kComplex64";
    case DType::kComplex128:
      return "DType::kComplex128";
    case DType::kBool:
      return "DType::kBool";
    case DType::kBFloat16:
      return "DType::kBFloat16";
    case DType::kUnknown:
      break;
  }
  return "DType::kUnknown";
}

const SizeFunction& size_function(Dim::AtomKind kind) {
  static constexpr SizeFunction kFunctions[] = {
      {Dim::AtomKind::kFloorDiv, "floor_div", "over"},
      {Dim::AtomKind::kMod, "floor_mod", "mod"},
      {Dim::AtomKind::kMin, "min<i64>", "min"},
      {Dim::AtomKind::kMax, "max<i64>", "max"},
      {Dim::AtomKind::kBroadcast, "broadcast_size", "broadcast"},
  };
  const auto* const found = std::ranges::find(kFunctions, kind, &SizeFunction::kind);
  TSC_ASSERT(found != std::end(kFunctions), "a symbol is no function");
  return *found;
}

std::string cpp_atom(const Dim::Atom& atom, const AtomName& name) {
  return fmt::format("{}({}, {})", size_function(atom.kind).cpp, cpp_dim(atom.operands[0], name),
                     cpp_dim(atom.operands[1], name));
}

std::string cpp_dim(const Dim& dim, const AtomName& name) {
  const auto atom = [&](const Dim::Atom& a) -> std::string {
    const std::string known = name(a);
    return known.empty() ? cpp_atom(a, name) : known;
  };
  if (const auto constant = dim.constant()) return fmt::format("{}", *constant);
  // The constant term goes last: "2 * rows + 3" reads better than the canonical order may.
  std::string text, tail;
  for (const Dim::Term& term : dim.terms()) {
    std::string product;
    for (const auto& factor : term.factors) product += (product.empty() ? "" : " * ") + atom(*factor);
    if (product.empty()) {
      tail = fmt::format("{} {}", term.coefficient < 0 ? "-" : "+", std::abs(term.coefficient));
      continue;
    }
    const int64_t magnitude = std::abs(term.coefficient);
    if (magnitude != 1) product = fmt::format("{} * {}", magnitude, product);
    if (text.empty()) {
      text = term.coefficient < 0 ? "-" + product : product;
    } else {
      text += (term.coefficient < 0 ? " - " : " + ") + product;
    }
  }
  return tail.empty() ? text : text + " " + tail;
}

std::string shape_comment(const Graph& graph, const Type& type) {
  std::string text = std::string(dtype_name(type.tensor.dtype)) + "[";
  for (size_t i = 0; i < type.tensor.dims.size(); ++i) {
    const auto hint = graph.hint(type.tensor.dims[i]);
    text += (i ? ", " : "") + (hint ? fmt::format("{}", *hint) : type.tensor.dims[i].str());
  }
  return text + "]";
}

std::vector<SourceFrame> user_frames(const Source& source) {
  std::vector<SourceFrame> frames;
  const auto is_torch = [](const SourceFrame& frame) { return frame.file.find("/torch/") != std::string::npos; };
  std::ranges::remove_copy_if(source.frames, std::back_inserter(frames), is_torch);
  if (frames.empty()) frames = source.frames;  // a module of torch.nn by itself
  for (SourceFrame& frame : frames) {
    const size_t slash = frame.file.rfind('/');
    if (slash != std::string::npos) frame.file.erase(0, slash + 1);
  }
  return frames;
}

std::string source_comment(const Source& source) {
  const std::vector<SourceFrame> frames = user_frames(source);
  if (frames.empty() || frames[0].file.empty()) return "";
  return fmt::format("{}:{}", frames[0].file, frames[0].line);
}

size_t Weights::append(WeightItem item) {
  item.offset = size;
  // An empty tensor takes room, too: its address must be in a section that exists.
  size += (std::max<size_t>(item.size, 1) + alignment - 1) / alignment * alignment;
  items.push_back(std::move(item));
  return items.back().offset;
}

namespace {

std::string identity_of(const TensorConstant& tensor) {
  std::string key = fmt::format("{} {} {}", static_cast<const void*>(tensor.storage->data.get()), tensor.offset,
                                static_cast<int>(tensor.dtype));
  for (size_t i = 0; i < tensor.sizes.size(); ++i) key += fmt::format(" {}:{}", tensor.sizes[i], tensor.strides[i]);
  return key;
}

}  // namespace

size_t Weights::place(const std::shared_ptr<const TensorConstant>& tensor) {
  const auto [found, inserted] = offsets_.try_emplace(identity_of(*tensor), 0);
  if (inserted) {
    WeightItem item{.name = tensor->name, .tensor = tensor, .pack = nullptr};
    item.size = static_cast<size_t>(tensor->element_count() * dtype_size(tensor->dtype));
    found->second = append(std::move(item));
  }
  return found->second;
}

size_t Weights::place(const std::shared_ptr<const TensorConstant>& tensor, const std::string& form, int64_t floats,
                      PackWeight pack) {
  const auto [found, inserted] = offsets_.try_emplace(identity_of(*tensor) + " " + form, 0);
  if (inserted) {
    found->second = append({.name = tensor->name,
                            .size = static_cast<size_t>(floats) * sizeof(float),
                            .tensor = tensor,
                            .pack = std::move(pack)});
  }
  return found->second;
}

namespace {

// The innermost module that both paths are in.
std::string common_path(const std::string& a, const std::string& b) {
  size_t common = 0;
  for (size_t i = 0; i <= a.size() && i <= b.size(); ++i) {
    const bool ends = (i == a.size() || a[i] == '.') && (i == b.size() || b[i] == '.');
    if (ends) common = i;
    if (i == a.size() || i == b.size() || a[i] != b[i]) break;
  }
  return a.substr(0, common);
}

}  // namespace

std::string region_name(const Graph& graph, BlockId body, const Node& region, const std::string& method) {
  int regions = 0;
  for_each_node(graph, body, [&](NodeId id) { regions += graph.node(id).op == Op::region ? 1 : 0; });
  if (regions == 1) return method + "_region";
  std::string first, path;
  int groups = 0;
  for (const NodeId id : graph.block(region.blocks[0]).nodes) {
    const Node& node = graph.node(id);
    if (node.op != Op::group) continue;
    const std::string module = graph.source(node).module_path;
    path = groups == 0 ? module : common_path(path, module);
    if (groups++ == 0) first = str_attribute(node, "name");
  }
  if (groups == 0) return method + "_region";
  if (groups == 1) return method + "_" + first;
  return method + "_" + (path.empty() ? "from_" + first : path);
}

std::string generic_reason(const ModelContext& model, const Node& node) {
  const std::string reason = region_obstacle(model.options.target, model.graph, node);
  return reason.empty() ? "its sizes are told at run time" : reason;
}

int ModelContext::source_index(SourceId id) {
  std::vector<SourceFrame> frames = user_frames(graph.sources[id]);
  if (frames.empty()) return 0;
  std::string key;
  for (const SourceFrame& frame : frames) key += fmt::format("{}:{} {}\n{}\n", frame.file, frame.line, frame.function, frame.text);
  const auto [found, inserted] = source_indices.try_emplace(key, static_cast<int>(sources.size()) + 1);
  if (inserted) sources.push_back(std::move(frames));
  return found->second;
}

}  // namespace tsc::codegen
