#include "compiler/plan.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <optional>
#include <set>

#include "compiler/diagnostic.h"

namespace tsc {
namespace {

namespace fs = std::filesystem;

bool is_name_character(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

// Models' names begin the names of the library's functions; "tsc" begins those of every library.
bool is_model_name(std::string_view name) {
  return !name.empty() && !std::isdigit(static_cast<unsigned char>(name[0])) && name[0] != '_' &&
         !name.starts_with("tsc") && std::all_of(name.begin(), name.end(), is_name_character);
}

// "models/resnet18-v2.pt" -> "resnet18_v2".
std::string model_name_of(const fs::path& path) {
  std::string name = path.stem().string();
  for (char& c : name) c = is_name_character(c) ? c : '_';
  return is_model_name(name) ? name : "model_" + name;
}

std::vector<ModelPlan> plan_models(const Options& options, Diagnostics& diagnostics) {
  std::vector<ModelPlan> models;
  std::set<std::string> names;
  for (const std::string& input : options.inputs) {
    ModelPlan model;
    model.import.path = input;
    model.import.methods = options.methods;
    const size_t equals = input.find('=');
    if (equals != std::string::npos && !fs::exists(input)) {
      model.name = input.substr(0, equals);
      model.import.path = input.substr(equals + 1);
      if (!is_model_name(model.name)) diagnostics.add(make_diagnostic(Error::bad_model_name, model.name));
    } else {
      model.name = model_name_of(input);
    }
    if (!names.insert(model.name).second) diagnostics.add(make_diagnostic(Error::duplicate_model_name, model.name));
    models.push_back(std::move(model));
  }
  if (models.empty()) diagnostics.add(make_diagnostic(Error::no_input));
  if (!options.name.empty() && models.size() > 1) {
    diagnostics.add(make_diagnostic(Error::one_name_for_models, models.size()));
  } else if (!options.name.empty() && !models.empty()) {
    models[0].name = options.name;
    if (!is_model_name(options.name)) diagnostics.add(make_diagnostic(Error::bad_model_name, options.name));
  }
  return models;
}

// "a/x: f32[2, 3]" is for model a, "x: f32[2, 3]" for all.
void plan_inputs(const Options& options, std::vector<ModelPlan>& models, Diagnostics& diagnostics) {
  for (const std::string& text : options.input_specs) {
    const size_t slash = text.substr(0, text.find(':')).find('/');
    const std::string name = slash == std::string::npos ? "" : text.substr(0, slash);
    const std::string rest = slash == std::string::npos ? text : text.substr(slash + 1);
    const auto spec = parse_input_spec(rest);
    if (const auto* reason = std::get_if<std::string>(&spec)) {
      diagnostics.add(make_diagnostic(Error::bad_input_option, text, *reason));
      continue;
    }
    bool used = false;
    for (ModelPlan& model : models) {
      if (!name.empty() && model.name != name) continue;
      model.import.inputs.push_back(std::get<InputSpec>(spec));
      used = true;
    }
    if (!used && !models.empty()) {
      diagnostics.add(make_diagnostic(Error::bad_input_option, text, "no model is named '" + name + "'"));
    }
  }
}

std::optional<OutputKind> kind_of(const Options& options) {
  if (!options.stop_after.empty()) return OutputKind::kIr;
  static const std::map<std::string, OutputKind, std::less<>> kEmit = {{"ir", OutputKind::kIr},
                                                                       {"source", OutputKind::kSourceFolder},
                                                                       {"header", OutputKind::kHeader},
                                                                       {"asm", OutputKind::kAssembly}};
  static const std::map<std::string, OutputKind, std::less<>> kSuffix = {
      {".so", OutputKind::kSharedLibrary}, {".a", OutputKind::kArchive},
      {".o", OutputKind::kObject},         {".ir", OutputKind::kIr},
      {".h", OutputKind::kHeader},         {".s", OutputKind::kAssembly}};
  const auto& table = options.emit.empty() ? kSuffix : kEmit;
  const auto found = table.find(options.emit.empty() ? fs::path(options.output).extension().string() : options.emit);
  return found == table.end() ? std::nullopt : std::optional(found->second);
}

bool is_text(OutputKind kind) {
  return kind == OutputKind::kIr || kind == OutputKind::kHeader || kind == OutputKind::kAssembly;
}

OutputKind plan_output(const Options& options, const std::vector<ModelPlan>& models, Diagnostics& diagnostics) {
  const std::optional<OutputKind> kind = kind_of(options);
  if (options.output.empty()) {
    if (!kind || !is_text(*kind)) diagnostics.add(make_diagnostic(Error::no_output));
  } else if (!kind) {
    diagnostics.add(make_diagnostic(Error::unknown_output_kind, options.output));
  }
  std::error_code ignored;
  for (const ModelPlan& model : models) {
    if (!options.output.empty() && fs::equivalent(model.import.path, options.output, ignored)) {
      diagnostics.add(make_diagnostic(Error::same_file, options.output));
    }
  }
  return kind.value_or(OutputKind::kSharedLibrary);
}

void plan_freestanding(const Options& options, Plan& plan, Diagnostics& diagnostics) {
  const auto refuse = [&](const char* what, const char* advice) {
    diagnostics.add(make_diagnostic(Error::not_for_freestanding, what, advice));
  };
  if (plan.target.device) refuse("a GPU", "compile for a CPU");
  if (options.profile) refuse("--profile", "leave it out");
  if (options.threads > 1) refuse("--threads", "leave it out: a call runs on the thread that makes it");
  if (options.specialize == codegen::Specialize::kDynamic) refuse("--specialize=dynamic", "leave it out: all sizes are fixed");
  if (plan.kind == OutputKind::kSharedLibrary) {
    refuse("a shared library", "write an object, an archive or source: -o model.o, -o model.a, --emit=source");
  }
  for (ModelPlan& model : plan.models) model.import.sizes = ExampleSizes::kPromises;
}

}  // namespace

Plan make_plan(const Options& options) {
  Diagnostics diagnostics;
  Plan plan;
  plan.models = plan_models(options, diagnostics);
  plan_inputs(options, plan.models, diagnostics);
  plan.kind = plan_output(options, plan.models, diagnostics);
  if (std::optional<codegen::Target> target = codegen::find_target(options.target)) {
    plan.target = *target;
    plan.target.is_freestanding = target->is_bare || options.freestanding;
    if (plan.target.is_freestanding) plan_freestanding(options, plan, diagnostics);
    if (target->device && options.profile)
      diagnostics.add(make_diagnostic(Error::not_for_device, "--profile", target->name));
    if (target->device && plan.kind == OutputKind::kAssembly)
      diagnostics.add(make_diagnostic(Error::not_for_device, "--emit=asm", target->name));
  } else {
    diagnostics.add(make_diagnostic(Error::unknown_target, options.target, codegen::target_names()));
  }
  std::string known;
  for (const PipelineStep& pass : pipeline_steps()) known += (known.empty() ? "" : ", ") + std::string(pass.name);
  std::vector<std::string> names = options.print_after;
  if (!options.stop_after.empty()) names.push_back(options.stop_after);
  for (const std::string& name : names) {
    if (std::ranges::find(pipeline_steps(), name, &PipelineStep::name) == pipeline_steps().end()) {
      diagnostics.add(make_diagnostic(Error::unknown_pass, name, known));
    }
  }
  diagnostics.throw_if_any();
  return plan;
}

}  // namespace tsc
