#include "compiler/torch/import.h"

#include <caffe2/serialize/inline_container.h>
#include <fmt/format.h>
#include <torch/csrc/jit/serialization/import_read.h>

#include <filesystem>

#include "compiler/torch/archive.h"
#include "compiler/torch/convert.h"
#include "compiler/torch/pickle.h"
#include "compiler/torch/program.h"

namespace tsc {
namespace {

using Kind = ir::Type::Kind;

// The inputs that a module was traced with, by method: tensors with dtype and shape but without memory.
std::map<std::string, std::vector<c10::IValue>> read_traced_inputs(const std::string& path) {
  std::map<std::string, std::vector<c10::IValue>> result;
  caffe2::serialize::PyTorchStreamReader reader(path);
  if (!reader.hasRecord("traced_inputs.pkl")) return result;
  const auto [data, size] = reader.getRecord("traced_inputs.pkl");
  if (!std::holds_alternative<std::vector<StorageNeed>>(scan_pickle({static_cast<const char*>(data.get()), size}))) {
    return result;
  }
  const c10::IValue all = torch::jit::readArchiveAndTensors("traced_inputs", "", "traced_inputs/", std::nullopt,
                                                            std::nullopt, c10::Device(c10::kCPU), reader);
  if (!all.isGenericDict()) return result;
  for (const auto& entry : all.toGenericDict()) {
    if (!entry.key().isString() || !entry.value().isList()) continue;
    result[entry.key().toStringRef()] = entry.value().toListRef().vec();
  }
  return result;
}

class InputTypes {
 public:
  InputTypes(ir::Graph& graph, const ImportOptions& options)
      : graph_(graph), sizes_(options.sizes), specs_(options.inputs), used_(specs_.size()) {}

  // Refines the types of a function's inputs by its example, then by the specs. A name stands for the inputs of that
  // name in all methods.
  void refine(ir::Function& function, const std::vector<c10::IValue>* example, Diagnostics& diagnostics) {
    const auto& params = graph_.block(function.body).params;
    function.from_trace = example != nullptr && example->size() == params.size();
    for (size_t i = 0; i < params.size(); ++i) {
      ir::Value& value = graph_.value(params[i]);
      if (function.from_trace) value.type = example_type((*example)[i], value.type, function.input_names[i]);
      apply_specs(value.type, function.input_names[i], i, diagnostics);
    }
  }

  void report_unused(Diagnostics& diagnostics) const {
    for (size_t i = 0; i < specs_.size(); ++i) {
      if (used_[i]) continue;
      const std::string text = specs_[i].name.empty() ? fmt::format("number {}", i + 1) : specs_[i].name;
      diagnostics.add(make_diagnostic(Error::bad_input_option, text, "no method has this input"));
    }
  }

 private:
  // The declared type with what the example tells. Elements of lists and dicts, which may differ, get the dtype only.
  ir::Type example_type(const c10::IValue& example, const ir::Type& declared, const std::string& name) {
    if (declared.is(Kind::kOptional)) {
      if (example.isNone()) return declared;
      return ir::Type::optional(example_type(example, declared.elements[0], name));
    }
    if (declared.is_tensor() && example.isTensor() && example.toTensor().defined()) {
      const at::Tensor& tensor = example.toTensor();
      std::vector<ir::Dim> dims;
      for (int64_t axis = 0; axis < tensor.dim(); ++axis) {
        if (sizes_ == ExampleSizes::kPromises) {
          dims.emplace_back(tensor.size(axis));
          continue;
        }
        const std::string symbol = fmt::format("{}.{}", name, axis);
        graph_.hints[symbol] = tensor.size(axis);
        dims.push_back(ir::Dim::symbol(symbol));
      }
      return ir::Type::make_tensor(static_cast<ir::DType>(tensor.scalar_type()), std::move(dims));
    }
    if (declared.is(Kind::kTuple) && example.isTuple()) {
      ir::Type type = declared;
      const auto& parts = example.toTupleRef().elements();
      for (size_t i = 0; i < parts.size() && i < type.elements.size(); ++i) {
        type.elements[i] = example_type(parts[i], type.elements[i], fmt::format("{}.{}", name, i));
      }
      return type;
    }
    if ((declared.is(Kind::kList) && example.isList()) || (declared.is(Kind::kDict) && example.isGenericDict())) {
      std::vector<c10::IValue> parts;
      if (example.isList()) {
        parts = example.toListRef().vec();
      } else {
        for (const auto& entry : example.toGenericDict()) parts.push_back(entry.value());
      }
      ir::Type type = declared;
      type.elements.back() = common_type(parts, type.elements.back());
      return type;
    }
    return declared;
  }

  ir::Type common_type(const std::vector<c10::IValue>& parts, const ir::Type& declared) {
    ir::DType dtype = ir::DType::kUnknown;
    if (!declared.is_tensor()) return declared;
    for (size_t i = 0; i < parts.size(); ++i) {
      if (!parts[i].isTensor()) return declared;
      const auto other = static_cast<ir::DType>(parts[i].toTensor().scalar_type());
      if (i > 0 && other != dtype) return declared;
      dtype = other;
    }
    return ir::Type::make_tensor(dtype);
  }

  void apply_specs(ir::Type& type, const std::string& name, size_t position, Diagnostics& diagnostics) {
    for (size_t i = 0; i < specs_.size(); ++i) {
      const InputSpec& spec = specs_[i];
      const bool is_named = spec.name == name;
      if (!is_named && !(spec.name.empty() && i == position)) continue;
      used_[i] = true;
      ir::Type* place = type.is(Kind::kOptional) ? &type.elements[0] : &type;
      if (!place->is_tensor()) {
        diagnostics.add(
            make_diagnostic(Error::bad_input_option, name, "the input is a " + type.str() + ", not a tensor"));
        continue;
      }
      if (spec.rank_known && place->tensor.rank_known && place->tensor.dims.size() != spec.dims.size()) {
        forget_hints(*place);
      }
      *place = spec.type(name);
      for (size_t axis = 0; axis < spec.dims.size(); ++axis) hint(spec.dims[axis], fmt::format("{}.{}", name, axis));
    }
    if (type.is(Kind::kTuple)) {
      for (size_t i = 0; i < type.elements.size(); ++i) {
        apply_specs(type.elements[i], fmt::format("{}.{}", name, i), SIZE_MAX, diagnostics);
      }
    }
  }
  void forget_hints(const ir::Type& type) {
    for (const ir::Dim& dim : type.tensor.dims) {
      if (const auto symbol = dim.symbol_name()) graph_.hints.erase(*symbol);
    }
  }
  // The largest size of a range is the one to be prepared for.
  void hint(const DimSpec& dim, const std::string& default_symbol) {
    if (dim.constant || !dim.high) return;
    graph_.hints[dim.symbol.empty() ? default_symbol : dim.symbol] = *dim.high;
  }

  ir::Graph& graph_;
  ExampleSizes sizes_;
  const std::vector<InputSpec>& specs_;
  std::vector<bool> used_;
};

// The type with the dtypes and sizes of the tensors in a value of it.
ir::Type type_of_value(const ir::Type& declared, const ir::Constant& value) {
  if (const auto* tensor = std::get_if<std::shared_ptr<const ir::TensorConstant>>(&value.value); tensor && declared.is_tensor())
    return ir::Type::make_tensor((*tensor)->dtype, std::vector<ir::Dim>((*tensor)->sizes.begin(), (*tensor)->sizes.end()));
  const auto* list = std::get_if<std::shared_ptr<const ir::ConstantList>>(&value.value);
  if (list == nullptr || !declared.is(Kind::kTuple)) return declared;
  ir::Type type = declared;
  for (size_t i = 0; i < type.elements.size(); ++i) type.elements[i] = type_of_value(type.elements[i], (**list)[i]);
  return type;
}

// Attributes that methods write keep the dtypes and sizes that they begin with.
void promise_state(ir::Graph& graph) {
  for (ir::StateField& field : graph.state) {
    field.type = type_of_value(field.type, field.initial);
    for (const ir::Function& function : graph.functions) {
      ir::for_each_node(graph, function.body, [&](ir::NodeId id) {
        const ir::Node& node = graph.node(id);
        if (node.op == ir::Op::state_get && ir::str_attribute(node, "field") == field.name)
          graph.value(node.outputs[0]).type = field.type;
      });
    }
  }
}

std::string first_line(const std::string& text) {
  const size_t begin = std::min(text.find_first_not_of(" \n"), text.size());
  return text.substr(begin, text.find('\n', begin) - begin);
}

struct MethodNames {
  std::vector<std::string> entries, called;  // by other methods of the root
};

ir::Graph import_checked(const ImportOptions& options, Diagnostics& diagnostics, MethodNames& names) {
  ir::Graph graph;
  graph.name = std::filesystem::path(options.path).stem().string();
  const Program program = load_program(options.path, options.methods, diagnostics);
  for (const MethodGraph& method : program.methods) {
    (method.is_called ? names.called : names.entries).push_back(method.name);
  }
  if (!diagnostics.empty()) return graph;
  const auto examples = read_traced_inputs(options.path);
  ValueMapper mapper(graph);
  Converter converter(program, graph, mapper, diagnostics);
  InputTypes types(graph, options);
  for (const MethodGraph& method : program.methods) {
    const ir::FunctionId id = converter.convert(method);
    const auto example = examples.find(method.name);
    types.refine(graph.functions[id], example == examples.end() ? nullptr : &example->second, diagnostics);
  }
  if (options.sizes == ExampleSizes::kPromises) promise_state(graph);
  types.report_unused(diagnostics);
  return graph;
}

std::vector<Diagnostic> notes_of(const std::vector<std::string>& left_out, const Diagnostics& reasons) {
  std::vector<Diagnostic> notes = {make_diagnostic(Error::left_out, fmt::format("{}", fmt::join(left_out, ", ")))};
  notes.insert(notes.end(), reasons.all().begin(), reasons.all().end());
  for (Diagnostic& note : notes) note.is_note = true;
  return notes;
}

}  // namespace

std::variant<ir::Graph, std::vector<Diagnostic>> import_model(const ImportOptions& options,
                                                              std::vector<Diagnostic>* notes) {
  if (auto diagnostic = check_archive(options.path)) return std::vector<Diagnostic>{*std::move(diagnostic)};
  Diagnostics diagnostics;
  try {
    MethodNames names;
    ir::Graph graph = import_checked(options, diagnostics, names);
    if (diagnostics.empty()) return graph;
    if (!options.methods.empty() || names.entries.empty()) return diagnostics.all();
    // One by one, the methods that others call join those that nothing else calls.
    ImportOptions chosen = options;
    chosen.methods = names.entries;
    std::vector<std::string> left_out;
    auto compiles = [&] {
      Diagnostics others;
      MethodNames same;
      graph = import_checked(chosen, others, same);
      return others.empty();
    };
    if (names.called.empty() || !compiles()) return diagnostics.all();
    for (const std::string& name : names.called) {
      chosen.methods.push_back(name);
      if (compiles()) continue;
      chosen.methods.pop_back();
      left_out.push_back(name);
    }
    if (left_out.empty()) return diagnostics.all();
    if (left_out.back() == names.called.back()) compiles();  // for its graph, without the last
    if (notes != nullptr) *notes = notes_of(left_out, diagnostics);
    return graph;
  } catch (const InternalError&) {
    throw;
  } catch (const std::bad_alloc&) {
    diagnostics.add(make_diagnostic(Error::out_of_memory));
  } catch (const std::exception& error) {
    diagnostics.add(make_diagnostic(Error::bad_archive, first_line(error.what())));
  }
  return diagnostics.all();
}

}  // namespace tsc
