#include "codegen/emit.h"

#include <algorithm>

#include "codegen/emit_common.h"
#include "codegen/emit_launch.h"
#include "codegen/emit_profile.h"
#include "compiler/ir/assert.h"

namespace tsc::codegen {

using namespace ir;

namespace {

constexpr std::string_view kVersion = "tsc 0.1.0";

// A type as Python writes it, for the metadata: "Dict[str, Tensor]".
std::string python_type(const Graph& graph, const Type& type) {
  const auto of = [&](size_t i) { return python_type(graph, type.elements[i]); };
  const auto all = [&] {
    std::string text;
    for (size_t i = 0; i < type.elements.size(); ++i) text += (i ? ", " : "") + of(i);
    return text;
  };
  switch (type.kind) {
    case Type::Kind::kTensor:
      return "Tensor";
    case Type::Kind::kInt:
      return "int";
    case Type::Kind::kFloat:
      return "float";
    case Type::Kind::kBool:
      return "bool";
    case Type::Kind::kComplex:
      return "complex";
    case Type::Kind::kNumber:
      return "number";
    case Type::Kind::kStr:
      return "str";
    case Type::Kind::kNone:
      return "None";
    case Type::Kind::kDevice:
      return "Device";
    case Type::Kind::kGenerator:
      return "Generator";
    case Type::Kind::kList:
      return "List[" + of(0) + "]";
    case Type::Kind::kDict:
      return "Dict[" + all() + "]";
    case Type::Kind::kTuple:
      return type.class_id == 0 ? "Tuple[" + all() + "]" : graph.classes[type.class_id - 1].name;
    case Type::Kind::kOptional:
      return "Optional[" + of(0) + "]";
    case Type::Kind::kUnion:
      return "Union[" + all() + "]";
    case Type::Kind::kFuture:
      return "Future[" + of(0) + "]";
    case Type::Kind::kClass:
    case Type::Kind::kEnum:
    case Type::Kind::kInterface:
      return graph.classes[type.class_id].name;
    case Type::Kind::kFunction:
      return "Callable";
    case Type::Kind::kAny:
      break;
  }
  return "Any";
}

// "float32[x.0, 3, 224, 224]", "" when nothing is known.
std::string tensor_type(const Type& type) {
  if (!type.is_tensor() || (type.tensor.dtype == DType::kUnknown && !type.tensor.rank_known)) return "";
  std::string text(type.tensor.dtype == DType::kUnknown ? "any" : dtype_torch_name(type.tensor.dtype));
  if (!type.tensor.rank_known) return text + "[...]";
  text += "[";
  for (size_t i = 0; i < type.tensor.dims.size(); ++i) text += (i ? ", " : "") + type.tensor.dims[i].str();
  return text + "]";
}

class ModelEmitter {
 public:
  ModelEmitter(const Graph& graph, const EmitOptions& options) : graph_(graph), options_(options), model_(graph, options) {
    for (ClassId id = 0; id < graph.classes.size(); ++id) model_.names.unique(class_name(graph, id));
    id_ = identifier(graph.name);
    model_.weights_symbol = id_ + "_weights";
  }

  EmittedModel run() {
    if (options_.profile) model_.headers.insert("runtime/core/profile.h");
    Writer types, host;
    emit_classes(types);
    emit_state_struct(types);
    emit_host(model_, host);
    const bool has_device_part = !model_.device.text().empty();
    if (has_device_part) model_.headers.insert(id_ + "_device.h");
    Writer out;
    emit_head(out);
    out.blank();
    out.append(types.text());
    if (options_.profile) emit_profile_times(model_, out);
    out.blank();
    out.append(host.text());
    emit_tables(out);
    if (options_.profile) emit_profile_table(model_, out);
    out.blank();
    out.line("}}  // namespace tsc::model_{}", id_);

    EmittedModel result;
    result.name = graph_.name;
    result.sources.push_back({id_ + ".cpp", out.text()});
    result.headers.push_back({id_ + ".h", public_header()});
    if (has_device_part) {
      result.device_sources.push_back(device_source(model_, id_));
      result.private_headers.push_back(device_header(model_, id_));
    }
    result.weights = std::move(model_.weights.items);
    result.weights_size = model_.weights.size;
    result.weights_symbol = model_.weights_symbol;
    result.arena_bytes = model_.arena_bytes;
    result.report = std::move(model_.report);
    result.has_profile = options_.profile;
    return result;
  }

 private:
  void emit_head(Writer& out) {
    out.comment(fmt::format("{}: made by {} from TorchScript, for {}.", graph_.name, kVersion, options_.target.name));
    out.comment("Each group of ops is one function that calls one kernel; a region is a run of groups with its memory; the");
    out.comment("methods at the end are the program itself.");
    out.line("#include \"runtime/core/library.h\"");
    for (const std::string& header : model_.headers) out.line("#include \"{}\"", header);
    out.blank();
    out.line("extern \"C\" __attribute__((visibility(\"hidden\"))) const char {}[{}];", model_.weights_symbol,
             std::max<size_t>(1, model_.weights.size));
    out.blank();
    out.line("namespace tsc::kernels {{}}");
    out.line("namespace tsc::model_{} {{", id_);
    out.blank();
    out.line("using namespace tsc::kernels;");
    if (out_uses_weights()) {
      out.blank();
      out.comment("A constant in the data section.");
      out.line("template <class T = float>");
      out.open("[[maybe_unused]] static const T* weights(size_t offset)");
      out.line("return reinterpret_cast<const T*>({} + offset);", model_.weights_symbol);
      out.close();
    }
  }

  // What a program that links the library includes.
  std::string public_header() const {
    Writer out;
    const std::string guard = "TSC_MODEL_" + id_ + "_H_";
    out.line("/* {}: made by {} for {}. Its methods, by name through `call`:", id_, kVersion, options_.target.name);
    for (const Function& function : graph_.functions) {
      if (!function.is_method) continue;
      std::string inputs;
      const auto& params = graph_.block(function.body).params;
      for (size_t i = 0; i < params.size(); ++i) {
        const Type& type = graph_.value(params[i]).type;
        const std::string tensor = tensor_type(type);
        inputs += fmt::format("{}{}: {}", i ? ", " : "", identifier(i < function.input_names.size() ? function.input_names[i] : "x"),
                              tensor.empty() ? python_type(graph_, type) : tensor);
      }
      out.line(" *   {}({}) -> {}", identifier(function.name), inputs, output_type(function));
    }
    out.line(" */");
    out.line("#ifndef {0}\n#define {0}\n\n#include \"tsc/tsc.h\"\n", guard);
    out.line("#ifdef __cplusplus\nextern \"C\" {{\n#endif\n");
    out.line("/* The library's table of entry points; null when it does not serve this version (pass TSC_ABI_VERSION). */");
    out.line("const tsc_library *{}_library(uint32_t abi_version);\n", id_);
    if (options_.profile) {
      out.line("/* Where the time of its calls goes. */");
      out.line("const tsc_profile *{}_profile(void);\n", id_);
    }
    out.line("#ifdef __cplusplus\n}}\n#endif\n\n#endif /* {} */", guard);
    return out.text();
  }

  bool out_uses_weights() const { return model_.weights.size > 0; }

  // Marks the classes that name NamedTuples.
  static void find_named_tuples(const Type& type, std::set<size_t>& found) {
    if (type.is(Type::Kind::kTuple) && type.class_id != 0) found.insert(type.class_id - 1);
    for (const Type& element : type.elements) find_named_tuples(element, found);
  }

  // A user class is a struct with its fields; a NamedTuple is a tuple whose names are a struct. Fields may refer to
  // classes that come later.
  void emit_classes(Writer& out) {
    std::set<size_t> named_tuples;
    for (const Value& value : graph_.values) find_named_tuples(value.type, named_tuples);
    for (const StateField& field : graph_.state) find_named_tuples(field.type, named_tuples);
    for (const ClassType& type : graph_.classes) {
      for (const Type& field : type.field_types) find_named_tuples(field, named_tuples);
    }
    for (size_t id = 0; id < graph_.classes.size(); ++id) {
      const ClassType& type = graph_.classes[id];
      const std::string name = class_name(graph_, static_cast<ClassId>(id));
      if (is_enum(type)) {
        emit_enum(type, name, out);
      } else if (!named_tuples.contains(id)) {
        out.line("struct {};", name);
      } else {
        out.blank();
        out.open("struct {}Names", name);
        emit_class_names(type, out);
        out.close(";");
      }
    }
    for (size_t id = 0; id < graph_.classes.size(); ++id) {
      if (!is_enum(graph_.classes[id]) && !named_tuples.contains(id)) emit_class(static_cast<ClassId>(id), out);
    }
  }

  static bool is_enum(const ClassType& type) {
    return std::ranges::any_of(type.enum_values, [](const auto& value) { return value.has_value(); });
  }

  void emit_enum(const ClassType& type, const std::string& name, Writer& out) const {
    out.blank();
    out.open("enum class {} : i64", name);
    Scope members;
    for (const std::string& member : type.field_names) out.line("{},", members.of(member));
    out.close(";");
    std::string names, values;
    for (size_t i = 0; i < type.field_names.size(); ++i) {
      const Constant& value = *type.enum_values[i];
      names += (i ? ", " : "") + string_literal(type.field_names[i]);
      if (const auto* integer = std::get_if<int64_t>(&value.value)) values += (i ? ", " : "") + integer_literal(*integer);
      if (const auto* real = std::get_if<double>(&value.value)) values += (i ? ", " : "") + float_literal(*real, true);
      if (const auto* text = std::get_if<std::string>(&value.value)) values += (i ? ", " : "") + string_literal(*text);
    }
    const Type& value = type.field_types[0];
    out.open("struct {}Members", name);
    out.line("static constexpr const char* kTypeName = {};", string_literal(type.name));
    out.line("static constexpr i64 kCount = {};", type.field_names.size());
    out.line("static constexpr const char* kNames[] = {{{}}};", names);
    out.line("static constexpr {} kValues[] = {{{}}};", value.is(Type::Kind::kStr) ? "const char*" : cpp_type(graph_, value), values);
    out.close(";");
    out.line("[[maybe_unused]] constexpr {0}Members members_of({0}) {{ return {{}}; }}", name);
  }

  static void emit_class_names(const ClassType& type, Writer& out) {
    out.line("static constexpr const char* kTypeName = {};", string_literal(type.name));
    std::string names;
    for (const std::string& field : type.field_names) names += (names.empty() ? "" : ", ") + string_literal(field);
    // An array has at least one element.
    out.line("static constexpr const char* kFieldNames[] = {{{}}};", names.empty() ? "nullptr" : names);
  }

  void emit_class(ClassId id, Writer& out) {
    const ClassType& type = graph_.classes[id];
    out.blank();
    out.open("struct {} : Object", class_name(graph_, id));
    for (size_t i = 0; i < type.field_names.size(); ++i) {
      out.line("{} {}{{}};", cpp_type(graph_, type.field_types[i]), model_.fields[id].of(type.field_names[i]));
    }
    emit_class_names(type, out);
    out.line("template <class Visit>");
    out.open("void fields([[maybe_unused]] Visit&& visit)");
    for (const std::string& field : type.field_names) out.line("visit({});", model_.fields[id].of(field));
    out.close();
    out.close(";");
  }

  // What the methods write: one per instance.
  void emit_state_struct(Writer& out) {
    if (graph_.state.empty()) return;
    out.blank();
    out.comment("What the methods write. Each instance has its own.");
    out.open("struct State : InstanceState");
    for (const StateField& field : graph_.state) out.line("{} {}{{}};", cpp_type(graph_, field.type), model_.state.of(field.name));
    out.blank();
    out.line("template <class Visit>");
    out.open("void fields(Visit&& visit)");
    for (const StateField& field : graph_.state) out.line("visit({});", model_.state.of(field.name));
    out.close();
    out.line("static void initialise(Context& ctx, State& self);");
    out.close(";");
  }

  // The tables that tsc.h shows.
  void emit_tables(Writer& out) {
    out.blank();
    out.comment("What the library tells of itself: lines of the Python program for errors, methods and their inputs.");
    emit_sources(out);
    std::string infos, calls;
    out.blank();
    for (const Function& function : graph_.functions) {
      if (!function.is_method) continue;
      const std::string& name = model_.functions.at(function.name);
      emit_inputs(function, name, out);
      const auto& params = graph_.block(function.body).params;
      infos += fmt::format("    {{.name = {}, .output = {}, .inputs = {}, .input_count = {}, .uses_state = {}, .reserved = 0, .arena_bytes = {}}},\n",
                           string_literal(function.name), string_literal(output_type(function)),
                           params.empty() ? "nullptr" : "k_" + name + "_inputs", params.size(), uses_state(graph_, function) || draws_random_numbers(graph_, function) ? 1 : 0, model_.arena_bytes);
      calls += fmt::format("{}method_call<&{}>", calls.empty() ? "" : ", ", name);
    }
    out.append(fmt::format("static constexpr tsc_method_info kMethods[] = {{\n{}}};\n", infos));
    out.append(fmt::format("static constexpr MethodCall kCalls[] = {{{}}};\n", calls));
    std::vector<std::string> state;
    for (const StateField& field : graph_.state) {
      state.push_back(fmt::format("{{{}, {}}},", string_literal(field.name), string_literal(python_type(graph_, field.type))));
    }
    const auto is_random = [&](const Function& function) { return draws_random_numbers(graph_, function); };
    if (std::ranges::any_of(graph_.functions, is_random)) state.push_back("{TSC_RNG_STATE, \"Tensor\"},");
    if (!state.empty()) {
      out.open("static constexpr tsc_state_info kStateInfo[] =");
      for (const std::string& row : state) out.line("{}", row);
      out.close(";");
    }
    out.line("extern const tsc_model_info kInfo;");
    out.open("const tsc_model_info kInfo =");
    out.line(".name = {},", string_literal(graph_.name));
    out.line(".source_hash = {},", string_literal(options_.source_hash));
    out.line(".target = {},", string_literal(options_.target.triple + ", " + options_.target.cpu));
    out.line(".methods = kMethods,");
    out.line(".method_count = {},", std::ranges::count_if(graph_.functions, [](const Function& f) { return f.is_method; }));
    out.line(".state = {},", state.empty() ? "nullptr" : "kStateInfo");
    out.line(".state_count = {},", state.size());
    out.line(".weight_bytes = {},", model_.weights.size);
    out.close(";");
    out.blank();
    out.line("extern const ModelTable kModel;");
    out.open("const ModelTable kModel =");
    out.line(".info = &kInfo,");
    out.line(".calls = kCalls,");
    out.line(".state = {},", graph_.state.empty() ? "{}" : "state_table<State>");
    out.line(".sources = kSources,");
    out.line(".source_count = {},", model_.sources.size() + 1);
    out.line(".frames = kFrames,");
    if (model_.weights.size > 0) out.line(".weights = {},", model_.weights_symbol);
    if (!model_.device.text().empty()) out.line(".device = &device_table,");
    out.close(";");
  }

  std::string output_type(const Function& function) const {
    const auto& results = graph_.block(function.body).results;
    return python_type(graph_, graph_.value(results[0]).type);
  }

  void emit_sources(Writer& out) {
    std::string frames, sources = "{0, 0}";
    size_t count = 0;
    for (const std::vector<SourceFrame>& source : model_.sources) {
      sources += fmt::format(", {{{}, {}}}", count, source.size());
      for (const SourceFrame& frame : source) {
        frames += fmt::format("    {{{}, {}, {}, {}}},\n", string_literal(frame.file), frame.line,
                              string_literal(frame.function), string_literal(frame.text));
        ++count;
      }
    }
    if (count == 0) frames = "    {\"\", 0, \"\", \"\"},\n";
    out.append(fmt::format("static constexpr tsc_frame kFrames[] = {{\n{}}};\n", frames));
    out.append(fmt::format("static constexpr Source kSources[] = {{{}}};\n", sources));
  }

  void emit_inputs(const Function& function, const std::string& name, Writer& out) {
    const auto& params = graph_.block(function.body).params;
    if (params.empty()) return;
    std::string rows;
    for (size_t i = 0; i < params.size(); ++i) {
      const Type& type = graph_.value(params[i]).type;
      std::string default_value = "nullptr";
      if (i < function.defaults.size() && function.defaults[i]) {
        if (const std::string value = default_literal(*function.defaults[i]); !value.empty()) {
          default_value = fmt::format("&k_{}_default_{}", name, i);
          out.line("static constexpr tsc_value k_{}_default_{} = {};", name, i, value);
        }
      }
      const std::string shown = i < function.input_names.size() ? function.input_names[i] : graph_.value(params[i]).name;
      rows += fmt::format("    {{{}, {}, {}, {}}},\n", string_literal(shown), string_literal(python_type(graph_, type)),
                          string_literal(tensor_type(type)), default_value);
    }
    out.append(fmt::format("static constexpr tsc_input_info k_{}_inputs[] = {{\n{}}};\n", name, rows));
  }

  // A default of a plain type as a tsc_value; "" for others, which must be given.
  static std::string default_literal(const Constant& constant) {
    if (std::holds_alternative<std::monostate>(constant.value)) return "constant_none()";
    if (const bool* b = std::get_if<bool>(&constant.value)) return fmt::format("constant_value({})", *b);
    if (const int64_t* i = std::get_if<int64_t>(&constant.value)) return fmt::format("constant_value(i64{{{}}})", integer_literal(*i));
    if (const double* d = std::get_if<double>(&constant.value)) return fmt::format("constant_value({})", float_literal(*d, true));
    if (const std::string* text = std::get_if<std::string>(&constant.value)) {
      return fmt::format("constant_value({}, {})", string_literal(*text), text->size());
    }
    return "";
  }

  const Graph& graph_;
  const EmitOptions& options_;
  ModelContext model_;
  std::string id_;
};

}  // namespace

EmittedModel emit_model(const Graph& graph, const EmitOptions& options) { return ModelEmitter(graph, options).run(); }

EmittedFile emit_library(const std::vector<EmittedModel>& models) {
  Writer out;
  const bool profile = std::ranges::any_of(models, &EmittedModel::has_profile);
  out.comment("The library's entry point: the table of its models.");
  out.line("#include \"runtime/core/library.h\"");
  if (profile) out.line("#include \"runtime/core/profile.h\"");
  std::string tables, infos, profiles;
  for (const EmittedModel& model : models) {
    const std::string name = "model_" + identifier(model.name);
    out.blank();
    out.line("namespace tsc::{} {{", name);
    out.line("extern const ModelTable kModel;");
    out.line("extern const tsc_model_info kInfo;");
    if (profile) out.line("extern const tsc_profile kProfile;");
    out.line("}}  // namespace tsc::{}", name);
    tables += fmt::format("{}&{}::kModel", tables.empty() ? "" : ", ", name);
    infos += fmt::format("{}&{}::kInfo", infos.empty() ? "" : ", ", name);
    profiles += fmt::format("{}&{}::kProfile", profiles.empty() ? "" : ", ", name);
  }
  out.blank();
  out.line("namespace tsc {{");
  out.line("static constexpr const ModelTable* kModels[] = {{{}}};", tables);
  out.line("static constexpr const tsc_model_info* kInfos[] = {{{}}};", infos);
  if (profile) out.line("static constexpr const tsc_profile* kProfiles[] = {{{}}};", profiles);
  out.line("static constexpr LibraryTable kLibrary = {{\"{}\", kModels, kInfos, {}}};", kVersion, models.size());
  out.line("}}  // namespace tsc");
  out.blank();
  out.comment("Under the common name for who loads the library (weak, so that libraries can be linked together), and under each "
              "model's name for who links it.");
  const auto entry = [&](std::string_view attributes, const std::string& name) {
    out.open("extern \"C\" __attribute__(({})) const tsc_library* {}(uint32_t abi_version)", attributes, name);
    out.line("return tsc::serve<tsc::kLibrary>(abi_version);");
    out.close();
  };
  entry("visibility(\"default\"), weak", "tsc_get_library");
  for (const EmittedModel& model : models) entry("visibility(\"default\")", identifier(model.name) + "_library");
  if (profile) {
    out.line("extern \"C\" __attribute__((visibility(\"default\"), weak))");
    out.open("const tsc_profile* tsc_get_profile(const char* model)");
    out.line("return tsc::find_profile(tsc::kProfiles, model);");
    out.close();
    for (const EmittedModel& model : models) {
      const std::string name = identifier(model.name);
      out.open("extern \"C\" __attribute__((visibility(\"default\"))) const tsc_profile* {}_profile()", name);
      out.line("return &tsc::model_{}::kProfile;", name);
      out.close();
    }
  }
  return {"entry-point.cpp", out.text()};
}

}  // namespace tsc::codegen
