#include "codegen/freestanding_interface.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "codegen/emit_common.h"
#include "codegen/writer.h"
#include "runtime/core/error_kind.h"

namespace tsc::codegen::freestanding {

using namespace ir;

namespace {

using Kind = Type::Kind;

// What the header calls the errors that a method returns.
struct ErrorCode {
  ErrorKind kind;
  const char* name;
  const char* meaning;
};
constexpr ErrorCode kErrorCodes[] = {
    {ErrorKind::kOk, "OK", "the outputs are complete"},
    {ErrorKind::kInvalidArgument, "ERROR_ARENA", "the arena or the state is null or not aligned"},
    {ErrorKind::kIndex, "ERROR_INDEX", "an index is out of range"},
    {ErrorKind::kRaised, "ERROR_RAISED", "the program's own raise or assert"},
    {ErrorKind::kInternal, "ERROR_INTERNAL", "a bug of tsc"},
};

std::string dims_text(const Type& t) {
  std::string text;
  for (const Dim& dim : t.tensor.dims) text += fmt::format("{}{}", text.empty() ? "" : ", ", *dim.constant());
  return text;
}

// As the C header writes it.
std::string c_type(const Type& t) {
  if (t.is(Kind::kInt)) return "int64_t";
  if (t.is(Kind::kFloat)) return "double";
  if (t.is(Kind::kBool)) return "bool";
  const std::string element = cpp_element(t.tensor.dtype);
  return element == "i64" ? "int64_t" : element;
}

std::string type_comment(const Type& type) {
  return type.is_tensor() ? fmt::format("{}[{}]", dtype_torch_name(type.tensor.dtype), dims_text(type)) : type.str();
}
std::string port_comment(const Port& port) {
  return fmt::format("/* {} {}: {} */", port.is_output ? "output" : "input", port.name, type_comment(port.type));
}

void declare_state(const Interface& interface, Writer& out) {
  if (interface.state.variables.empty()) return;
  const std::string macro = upper(interface.name);
  out.blank();
  out.put("/* What methods keep between calls, in a block of memory for each stream of them: */");
  for (const StateVariable& variable : interface.state.variables)
    out.line("/* {}: {}, at byte {} */", variable.name, type_comment(variable.type), variable.offset);
  out.line("#define {}_STATE_BYTES {}", macro, interface.state.bytes);
  out.line("#define {}_STATE_ALIGN {}", macro, interface.alignment);
  out.put("/* Makes the block what it is in the model's file. To be called before all methods that take it. */");
  out.line("int {}(void *state);", interface.state.initialiser);
}

void declare(const Interface& interface, const Method& method, Writer& out) {
  const std::string macro = upper(method.symbol);
  out.blank();
  for (const auto* list : {&method.inputs, &method.outputs}) {
    for (const Port& port : *list) out.put(port_comment(port));
  }
  out.line("#define {}_INPUTS {}", macro, method.inputs.size());
  out.line("#define {}_OUTPUTS {}", macro, method.outputs.size());
  for (const auto* list : {&method.inputs, &method.outputs}) {
    for (const Port& port : *list) {
      if (!port.type.is_tensor()) continue;
      const std::string prefix = macro + "_" + upper(port.name);
      out.line("#define {}_COUNT {}", prefix, count_of(port.type));
      out.line("#define {}_RANK {}", prefix, port.type.tensor.dims.size());
      if (!port.type.tensor.dims.empty()) out.line("#define {}_DIMS {{{}}}", prefix, dims_text(port.type));
    }
  }
  out.line("#define {}_ARENA_BYTES {}", macro, method.arena_bytes);
  out.line("#define {}_ARENA_ALIGN {}", macro, interface.alignment);
  if (method.stack_bytes) {
    out.line("#define {}_STACK_BYTES {}{}", macro, *method.stack_bytes,
             interface.outside.empty() ? "" : fmt::format(" /* and what {} takes */", outside_text(interface)));
  } else if (interface.is_compiled) {
    out.put("/* The stack that a call takes has no bound that the compiler knows. */");
  } else {
    out.put("/* The stack that a call takes is told where code is made: tsc -o, or the compiler of the sources. */");
  }
  out.line("int {};", signature(method));
}

}  // namespace

std::string upper(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return result;
}

bool has_fixed_size(const Type& type) {
  return type.is_ranked_tensor() &&
         std::ranges::all_of(type.tensor.dims, [](const Dim& dim) { return dim.constant() && *dim.constant() > 0; });
}

int64_t count_of(const Type& type) {
  int64_t count = 1;
  for (const Dim& dim : type.tensor.dims) count *= *dim.constant();
  return count;
}

bool is_number(const Type& type) { return type.is(Kind::kInt) || type.is(Kind::kFloat) || type.is(Kind::kBool); }

std::string number_type(const Type& type) {
  return type.is(Kind::kInt) ? "i64" : type.is(Kind::kFloat) ? "double" : "bool";
}

bool is_c_element(DType dtype) {
  return dtype == DType::kFloat32 || dtype == DType::kFloat64 || dtype == DType::kBool || is_integral(dtype);
}

std::string signature(const Method& method) {
  std::string text = method.symbol + "(";
  for (const Port& port : method.inputs) {
    text += port.type.is_tensor() ? fmt::format("const {} *{}, ", c_type(port.type), port.name)
                                  : fmt::format("{} {}, ", c_type(port.type), port.name);
  }
  for (const Port& port : method.outputs) text += fmt::format("{} *{}, ", c_type(port.type), port.name);
  return text + (method.uses_state ? "void *state, void *arena)" : "void *arena)");
}

std::string outside_text(const Interface& interface) {
  std::string text;
  const size_t count = interface.outside.size();
  for (size_t i = 0; i < count; ++i) text += (i == 0 ? "" : i + 1 < count ? ", " : " or ") + interface.outside[i];
  return text;
}

std::string header_text(const Interface& interface) {
  const std::string macro = upper(interface.name);
  Writer out;
  out.line(
      "/* {}: made by tsc for {}. Outputs must not overlap inputs; calls may run side by side with arenas of their "
      "own. */",
      interface.name, interface.target_name);
  out.line("#ifndef TSC_MODEL_{0}_H_\n#define TSC_MODEL_{0}_H_\n\n#include <stdbool.h>\n#include <stdint.h>\n", macro);
  out.line("#ifdef __cplusplus\nextern \"C\" {{\n#endif\n");
  out.put("/* What a call returns. */");
  for (const ErrorCode& code : kErrorCodes)
    out.line("#define {}_{} {} /* {} */", macro, code.name, static_cast<int>(code.kind), code.meaning);
  out.blank();
  out.line("#define {}_WEIGHTS_BYTES {}", macro, interface.weights_bytes);
  declare_state(interface, out);
  for (const Method& method : interface.methods) declare(interface, method, out);
  out.line("\n#ifdef __cplusplus\n}}\n#endif\n\n#endif /* TSC_MODEL_{}_H_ */", macro);
  return out.text();
}

}  // namespace tsc::codegen::freestanding
