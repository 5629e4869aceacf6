#include "codegen/emit_freestanding.h"

#include <algorithm>

#include "codegen/freestanding_interface.h"
#include "codegen/freestanding_method.h"
#include "compiler/diagnostic.h"

namespace tsc::codegen {

using namespace ir;

EmittedModel emit_freestanding_model(const Graph& graph, const EmitOptions& options) {
  const std::string id = identifier(graph.name);
  ModelContext model(graph, options);
  model.weights_symbol = id + "_weights";
  model.weights.alignment = static_cast<size_t>(options.target.alignment());
  for (const char* taken : freestanding::kReservedNames) model.names.unique(taken);
  Diagnostics diagnostics;
  Writer regions, methods;
  freestanding::Interface interface{
      .name = id, .target_name = options.target.name, .alignment = options.target.alignment()};
  freestanding::StateLayout state(graph, interface.alignment);
  for (const Function& function : graph.functions) {
    if (!function.is_method) continue;
    freestanding::MethodEmitter method(model, function, id, state, diagnostics, regions);
    if (!method.run(methods)) continue;
    interface.methods.push_back(method.method());
    model.arena_bytes = std::max(model.arena_bytes, static_cast<size_t>(method.method().arena_bytes));
  }
  diagnostics.throw_if_any();
  if (!state.state().variables.empty()) {
    Names symbols;
    for (const freestanding::Method& method : interface.methods) symbols.unique(method.symbol);
    state.write_initialiser(model, symbols.unique(id + "_initial_state"), methods);
    interface.state = state.state();
  }

  Writer out;
  out.comment(fmt::format("{}: made by tsc from TorchScript, for {}, freestanding.", graph.name, options.target.name));
  out.comment(
      "Each group of ops is one function that calls one kernel; a region is a run of groups with its memory; the "
      "methods at the "
      "end are what the header declares.");
  out.line("#include \"runtime/core/freestanding.h\"");
  for (const std::string& header : model.headers) out.line("#include \"{}\"", header);
  out.line("#include \"{}.h\"", id);
  out.blank();
  if (model.weights.size > 0) {
    out.line("extern \"C\" __attribute__((visibility(\"hidden\"))) const char {}[{}];", model.weights_symbol,
             model.weights.size);
    out.blank();
  }
  out.line("namespace tsc::kernels {{}}");
  out.line("namespace tsc::model_{} {{", id);
  out.line("namespace {{");
  out.blank();
  out.line("using namespace tsc::kernels;");
  if (model.weights.size > 0) {
    out.blank();
    out.comment("A constant in the data section.");
    out.line("template <class T = float>");
    out.open("[[maybe_unused]] const T* weights(size_t offset)");
    out.line("return reinterpret_cast<const T*>({} + offset);", model.weights_symbol);
    out.close();
  }
  out.blank();
  out.append(regions.text());
  out.blank();
  out.line("}}  // namespace");
  out.append(methods.text());
  out.blank();
  out.line("}}  // namespace tsc::model_{}", id);

  interface.weights_bytes = static_cast<int64_t>(model.weights.size);
  EmittedModel result;
  result.name = graph.name;
  result.sources.push_back({id + ".cpp", out.text()});
  result.headers.push_back({id + ".h", freestanding::header_text(interface)});
  result.weights = std::move(model.weights.items);
  result.weights_size = model.weights.size;
  result.weights_symbol = model.weights_symbol;
  result.arena_bytes = model.arena_bytes;
  result.report = std::move(model.report);
  result.interface = std::move(interface);
  return result;
}

void add_stack(EmittedModel& model, std::span<const StackUse> stack, std::span<const std::string> undefined) {
  freestanding::Interface& interface = *model.interface;
  for (freestanding::Method& method : interface.methods) {
    const auto found = std::ranges::find(stack, method.symbol, &StackUse::function);
    TSC_ASSERT(found != stack.end(), "no code for {}", method.symbol);
    method.stack_bytes = found->bytes;
  }
  for (const std::string& symbol : undefined) {
    if (symbol != model.weights_symbol) interface.outside.push_back(symbol);
  }
  interface.is_compiled = true;
  model.headers[0].text = freestanding::header_text(interface);
}

std::string weights_file_name(const EmittedModel& model) { return model.name + "_weights.bin"; }

EmittedFile weights_source(const EmittedModel& model) {
  Writer out;
  out.comment(fmt::format("The weights of {}.", model.name));
  out.line("extern \"C\" __attribute__((visibility(\"hidden\"), aligned(64))) extern const signed char {}[{}];",
           model.weights_symbol, model.weights_size);
  out.line("const signed char {}[{}] = {{", model.weights_symbol, model.weights_size);
  out.line("#embed \"{}\"", weights_file_name(model));
  out.line("}};");
  return {model.name + "_weights.cpp", out.text()};
}

}  // namespace tsc::codegen
