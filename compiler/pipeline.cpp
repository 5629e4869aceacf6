#include "compiler/pipeline.h"

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <thread>

#include "codegen/device_compiler.h"
#include "codegen/emit_freestanding.h"
#include "codegen/emit_launch.h"
#include "codegen/layout.h"
#include "codegen/native.h"
#include "codegen/weights.h"
#include "compiler/conjugates.h"
#include "compiler/diagnostic.h"
#include "compiler/ir/infer.h"
#include "compiler/ir/print.h"
#include "compiler/ir/verify.h"
#include "compiler/output.h"
#include "compiler/plan.h"
#include "compiler/report.h"
#include "compiler/source_folder.h"
#include "compiler/torch/fold_constants.h"
#include "compiler/torch/import.h"

namespace tsc {
namespace {

namespace fs = std::filesystem;
using codegen::EmittedFile;
using codegen::EmittedModel;

// A pass that asks nothing of the target.
template <void (*Pass)(ir::Graph&)>
void on_any_target(ir::Graph& graph, const codegen::Target&) {
  Pass(graph);
}

// A freestanding program has one version, for the sizes that were said.
void add_general_versions(ir::Graph& graph, const codegen::Target& target) {
  if (!target.is_freestanding) passes::add_general_versions(graph);
}

void own_state(ir::Graph& graph, const codegen::Target& target) {
  if (target.is_freestanding) passes::own_state(graph);
}
void separate_writes(ir::Graph& graph, const codegen::Target& target) {
  if (target.is_freestanding) passes::separate_writes(graph);
}
void lower_for_regions(ir::Graph& graph, const codegen::Target& target) {
  if (target.is_freestanding || target.device) passes::lower_for_regions(graph);
}

// In-place ops that nobody can tell from functional ones are so by now.
void refuse_written_conjugates(ir::Graph& graph, const codegen::Target&) { tsc::refuse_written_conjugates(graph); }

// The middle of the compiler. What the constants are, and what scripted inputs are likely to be, makes more known, so
// the program is simplified twice.
constexpr PipelineStep kSteps[] = {
    {"add_general_versions", add_general_versions},
    {"own_state", own_state},
    {"simplify", on_any_target<passes::simplify>},
    {"fold_constants", on_any_target<fold_constants>},
    {"assume_ranks", on_any_target<passes::assume_ranks>},
    {"simplify", on_any_target<passes::simplify>},
    {"refuse_written_conjugates", refuse_written_conjugates},
    {"separate_writes", separate_writes},
    {"lower_for_regions", lower_for_regions},
    {"lower_composites", on_any_target<passes::lower_composites>},
    {"fuse_attention", on_any_target<passes::fuse_attention>},
    {"hoist_products", on_any_target<passes::hoist_products>},
    {"materialize_sizes", on_any_target<passes::materialize_sizes>},
    {"eliminate_dead_code", on_any_target<passes::eliminate_dead_code>},
    {"outline_regions", codegen::outline_regions},
    {"assign_layouts", codegen::assign_layouts},
    {"select_kernels", codegen::select_kernels},
    {"insert_copies", on_any_target<passes::insert_copies>},
    {"fuse_groups", on_any_target<passes::fuse_groups>},
};

// Measures phases, tells of each on a terminal and of all with --time-passes.
class Clock {
 public:
  explicit Clock(const Streams& streams) : streams_(streams) {}

  template <class F>
  auto measure(std::string_view model, std::string_view phase, F run) {
    const auto begin = std::chrono::steady_clock::now();
    const Finish finish{[&] {
      const std::chrono::duration<double, std::milli> elapsed = std::chrono::steady_clock::now() - begin;
      record(model, phase, elapsed.count());
    }};
    return run();
  }

  std::string table() const {
    double total = 0;
    for (const Row& row : rows_) total += row.milliseconds;
    std::string text = "        ms   share  phase\n";
    for (const Row& row : rows_) {
      text += fmt::format("{:10.1f}  {:5.1f}%  {}\n", row.milliseconds, 100 * row.milliseconds / total, row.phase);
    }
    return text + fmt::format("{:10.1f}  100.0%  total\n", total);
  }

 private:
  struct Row {
    std::string phase;
    double milliseconds;
  };
  struct Finish {
    std::function<void()> run;
    ~Finish() { run(); }
  };

  void record(std::string_view model, std::string_view phase, double milliseconds) {
    rows_.push_back({model.empty() ? std::string(phase) : fmt::format("{}: {}", model, phase), milliseconds});
    if (streams_.show_progress) streams_.log(fmt::format("{:8.0f} ms  {}\n", milliseconds, rows_.back().phase));
  }

  const Streams& streams_;
  std::vector<Row> rows_;
};

void verify_after(std::string_view step, const ir::Graph& graph) {
  const std::vector<std::string> faults = ir::verify(graph);
  std::string text;
  for (const std::string& fault : faults) text += "\n  " + fault;
  TSC_ASSERT(faults.empty(), "after {}:{}", step, text);
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Of a path to a folder, which may end with a slash or be ".".
std::string folder_name(const std::string& path) {
  const fs::path whole = fs::absolute(path).lexically_normal();
  return (whole.has_filename() ? whole : whole.parent_path()).filename().string();
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Code addresses weights relative to itself, in 32 bits with a sign; some room is left for the code.
constexpr size_t kMaxWeights = (size_t{1} << 31) - (size_t{64} << 20);

// The translation units of a library: sources, or texts that include several. What models use of the runtime is
// compiled once for each unit, so small ones share one; a large one is worth a thread of its own. Independent of the
// number of threads, so that equal input gives equal bytes.
std::vector<EmittedFile> make_units(std::span<const EmittedFile> sources) {
  constexpr size_t kUnitBytes = size_t{128} << 10;
  std::vector<EmittedFile> units;
  for (size_t begin = 0, end = 0; begin < sources.size(); begin = end) {
    std::string includes;
    for (size_t bytes = 0; end < sources.size(); ++end) {
      bytes += sources[end].text.size();
      if (end > begin && bytes > kUnitBytes) break;
      includes += fmt::format("#include \"{}\"\n", sources[end].name);
    }
    if (end - begin == 1) {
      units.push_back(sources[begin]);
    } else {
      units.push_back({fmt::format("unit-{}.cpp", units.size()), std::move(includes)});
    }
  }
  return units;
}

// One run of the compiler: models in, one output.
class Compilation {
 public:
  Compilation(const Options& options, const Streams& streams)
      : options_(options), streams_(streams), plan_(make_plan(options)), clock_(streams) {}

  void run();

 private:
  void open_output();
  ir::Graph import(const ModelPlan& model);
  void run_passes(const ModelPlan& model, ir::Graph& graph);
  EmittedModel emit(const ModelPlan& model, const ir::Graph& graph);
  void check_fusion(const ModelPlan& model, const EmittedModel& emitted);
  void write_weights(EmittedModel& model);
  void write_library();
  void write_freestanding(std::vector<EmittedFile> sources, std::vector<EmittedFile> headers);
  int jobs() const { return options_.jobs > 0 ? options_.jobs : static_cast<int>(std::thread::hardware_concurrency()); }
  void write_text(const std::string& text);
  std::string assembly() const;
  // What the runtime's sources are told of the options.
  std::vector<std::string> definitions() const { return {fmt::format("TSC_DEFAULT_THREADS={}", options_.threads)}; }

  const Options& options_;
  const Streams& streams_;
  const Plan plan_;
  Clock clock_;
  std::optional<OutputFile> file_;
  std::optional<OutputFolder> folder_;
  Diagnostics diagnostics_;
  std::string ir_text_;
  std::vector<EmittedModel> models_;
  std::vector<codegen::ObjectFile> weights_;  // of archives and objects
  std::vector<codegen::WeightsBlob> blobs_;   // of shared libraries
  size_t weights_size_ = 0;
  LibrarySize size_;
};

void Compilation::run() {
  open_output();
  for (const ModelPlan& model : plan_.models) {
    // A model that can't be compiled doesn't hide what is wrong with the next.
    try {
      ir::Graph graph = clock_.measure(model.name, "import", [&] { return import(model); });
      run_passes(model, graph);
      if (plan_.kind == OutputKind::kIr) {
        ir_text_ += ir::print(graph);
        continue;
      }
      models_.push_back(clock_.measure(model.name, "emit", [&] { return emit(model, graph); }));
      if (options_.strict_fusion) check_fusion(model, models_.back());
    } catch (const CompileError& error) {
      for (Diagnostic diagnostic : error.diagnostics()) {
        if (diagnostic.file.empty()) diagnostic.file = model.import.path;
        diagnostics_.add(std::move(diagnostic));
      }
      continue;
    }
    if (plan_.kind <= OutputKind::kObject) {
      clock_.measure(model.name, "weights", [&] { write_weights(models_.back()); });
    }
  }
  diagnostics_.throw_if_any();

  switch (plan_.kind) {
    case OutputKind::kSharedLibrary:
    case OutputKind::kArchive:
    case OutputKind::kObject:
      write_library();
      break;
    case OutputKind::kSourceFolder:
      write_source_folder(models_, plan_.target.is_freestanding ? std::nullopt : std::optional(codegen::emit_library(models_)), plan_.target, folder_name(options_.output),
                          definitions(), *folder_);
      folder_->commit();
      break;
    case OutputKind::kIr:
      write_text(ir_text_);
      break;
    case OutputKind::kHeader: {
      std::string text;
      for (const EmittedModel& model : models_) {
        for (const EmittedFile& header : model.headers) text += header.text;
      }
      write_text(text);
      break;
    }
    case OutputKind::kAssembly:
      write_text(clock_.measure("", "clang", [&] { return assembly(); }));
      break;
  }
  if (options_.report) streams_.out(format_report(models_, size_));
  if (options_.time_passes) streams_.log(clock_.table());
}

void Compilation::open_output() {
  if (options_.output.empty()) return;
  if (plan_.kind == OutputKind::kSourceFolder) {
    folder_.emplace(options_.output);
  } else {
    file_.emplace(options_.output);
  }
}

ir::Graph Compilation::import(const ModelPlan& model) {
  std::vector<Diagnostic> notes;
  std::variant<ir::Graph, std::vector<Diagnostic>> result = import_model(model.import, &notes);
  for (Diagnostic& note : notes) {
    note.file = model.import.path;
    streams_.log(format_diagnostic(note));
  }
  if (auto* diagnostics = std::get_if<std::vector<Diagnostic>>(&result)) throw CompileError(std::move(*diagnostics));
  ir::Graph graph = std::move(std::get<ir::Graph>(result));
  malloc_trim(0);  // LibTorch's module and its graphs are gone
  graph.name = model.name;
  if (options_.verify_each) verify_after("import", graph);
  return graph;
}

void Compilation::run_passes(const ModelPlan& model, ir::Graph& graph) {
  for (const PipelineStep& pass : kSteps) {
    const bool wrap_only = pass.name == "fuse_groups" && !options_.fuse;
    clock_.measure(model.name, pass.name, [&] {
      if (wrap_only) return passes::wrap_groups(graph);
      pass.run(graph, plan_.target);
    });
    if (options_.verify_each) verify_after(pass.name, graph);
    if (contains(options_.print_after, pass.name)) {
      streams_.out(fmt::format("# {} after {}\n{}", model.name, pass.name, ir::print(graph)));
    }
    if (pass.name == options_.stop_after) return;
  }
}

EmittedModel Compilation::emit(const ModelPlan& model, const ir::Graph& graph) {
  const auto emit_program = plan_.target.is_freestanding ? codegen::emit_freestanding_model : codegen::emit_model;
  EmittedModel emitted = emit_program(graph, {.target = plan_.target,
                                                     .specialize = options_.specialize,
                                                     .source_hash = codegen::sha256_of_file(model.import.path),
                                                     .profile = options_.profile});
  TSC_ASSERT(emitted.name == model.name);
  return emitted;
}

void Compilation::check_fusion(const ModelPlan& model, const EmittedModel& emitted) {
  for (const codegen::ReportEntry& entry : emitted.report) {
    if (entry.reason.empty() || entry.method.ends_with(passes::kGeneralVersion)) continue;
    Diagnostic diagnostic = make_diagnostic(Error::unfused, entry.ops, entry.name, entry.reason);
    diagnostic.file = model.import.path;
    if (const size_t colon = entry.source.rfind(':'); colon != std::string::npos) {
      diagnostic.frames.push_back({entry.source.substr(0, colon), std::atoi(entry.source.c_str() + colon + 1), "", ""});
    }
    diagnostics_.add(std::move(diagnostic));
  }
}

// At once after a model is emitted, so that the memory of its weights is free when the next one is read.
void Compilation::write_weights(EmittedModel& model) {
  if (model.weights_size == 0) return;
  weights_size_ += model.weights_size;
  if (weights_size_ > kMaxWeights) {
    throw CompileError(make_diagnostic(Error::weights_too_large, fmt::format("{:.1f} GB", static_cast<double>(weights_size_) * 1e-9)));
  }
  const std::string path = file_->add_scratch_path();
  if (plan_.kind == OutputKind::kSharedLibrary || plan_.target.is_freestanding) {
    codegen::write_weights_blob(model.weights, model.weights_size, path);
    blobs_.push_back({model.weights_symbol, path});
  } else {
    codegen::write_weights_object(model.weights, model.weights_size, model.weights_symbol, plan_.target, path);
    weights_.push_back({model.name + "_weights.o", path});
  }
}

void Compilation::write_library() {
  std::vector<EmittedFile> sources, headers, device_sources;
  for (const EmittedModel& model : models_) {
    sources.insert(sources.end(), model.sources.begin(), model.sources.end());
    headers.insert(headers.end(), model.headers.begin(), model.headers.end());
    headers.insert(headers.end(), model.private_headers.begin(), model.private_headers.end());
    device_sources.insert(device_sources.end(), model.device_sources.begin(), model.device_sources.end());
  }
  if (plan_.target.is_freestanding) return write_freestanding(sources, headers);
  sources.push_back(codegen::emit_library(models_));
  if (!device_sources.empty() && plan_.kind == OutputKind::kSharedLibrary) sources.push_back(codegen::device_support());
  headers.insert(headers.end(), sources.begin(), sources.end());  // units include them
  std::vector<codegen::ObjectCode> objects = clock_.measure("", "clang", [&] {
    return codegen::compile(
        make_units(sources), headers,
        {.target = plan_.target, .optimization = options_.optimization, .definitions = definitions()}, jobs());
  });

  if (!device_sources.empty()) {
    clock_.measure("", plan_.target.device->compiler, [&] {
      for (codegen::ObjectCode& object :
           codegen::compile_for_device(device_sources, headers, plan_.target, options_.optimization)) {
        objects.push_back(std::move(object));
      }
    });
  }

  for (const EmittedModel& model : models_) {
    if (model.weights_size == 0 || plan_.kind != OutputKind::kSharedLibrary) continue;
    objects.push_back({model.name + "_weights.o",
                       codegen::reserved_weights_object(model.weights_symbol, model.weights_size, plan_.target)});
  }

  const std::string& path = file_->temporary_path();
  clock_.measure("", "link", [&] {
    if (plan_.kind == OutputKind::kArchive) return codegen::write_archive(objects, weights_, path);
    codegen::LinkJob job{
        .kind = plan_.kind == OutputKind::kObject ? codegen::LinkKind::kRelocatable : codegen::LinkKind::kSharedLibrary,
        .objects = objects,
        .object_files = weights_,
        .exports = {"tsc_get_library"},
        .library_name = fs::path(options_.output).filename(),
        .target = plan_.target};
    if (!device_sources.empty() && plan_.kind == OutputKind::kSharedLibrary) {
      job.libraries.push_back(codegen::device_library(plan_.target));
    }
    if (options_.profile) job.exports.push_back("tsc_get_profile");
    for (const EmittedModel& model : models_) job.exports.push_back(model.name + "_*");
    codegen::link(job, path);
    if (!blobs_.empty()) codegen::fill_reserved_weights(path, blobs_);
  });
  size_ = {.file_bytes = fs::file_size(path), .code_bytes = codegen::section_bytes(path).code};
  file_->commit(plan_.kind == OutputKind::kSharedLibrary ? OutputFile::Mode::kExecutable : OutputFile::Mode::kPlain);
}

// An object or an archive, and beside it the headers. Objects of several models stay apart in an archive, so that an image has
// those only that it calls.
void Compilation::write_freestanding(std::vector<EmittedFile> sources, std::vector<EmittedFile> headers) {
  for (size_t i = 0, blob = 0; i < models_.size(); ++i) {
    if (models_[i].weights_size == 0) continue;
    sources.push_back(codegen::weights_source(models_[i]));
    headers.push_back({codegen::weights_file_name(models_[i]), read_file(blobs_[blob++].path)});
  }
  const std::vector<codegen::ObjectCode> objects = clock_.measure("", "clang", [&] {
    return codegen::compile(sources, headers, {.target = plan_.target, .optimization = options_.optimization}, jobs());
  });
  for (size_t i = 0; i < models_.size(); ++i)  // whose sources come first, one each
    codegen::add_stack(models_[i], objects[i].stack, codegen::undefined_symbols(objects[i]));
  const std::string& path = file_->temporary_path();
  clock_.measure("", "link", [&] {
    if (plan_.kind == OutputKind::kArchive) return codegen::write_archive(objects, {}, path);
    codegen::link({.kind = codegen::LinkKind::kRelocatable, .objects = objects, .target = plan_.target}, path);
  });
  const codegen::SectionBytes bytes = codegen::section_bytes(path);
  size_ = {.file_bytes = fs::file_size(path), .code_bytes = bytes.code, .constant_bytes = bytes.constants - weights_size_};
  std::deque<OutputFile> header_files;
  for (const EmittedModel& model : models_) {
    for (const EmittedFile& header : model.headers) {
      header_files.emplace_back(fs::path(options_.output).replace_filename(header.name).string());
      header_files.back().write(header.text);
    }
  }
  file_->commit(OutputFile::Mode::kPlain);
  for (OutputFile& header : header_files) header.commit(OutputFile::Mode::kPlain);
}

void Compilation::write_text(const std::string& text) {
  if (!file_) return streams_.out(text);
  file_->write(text);
  file_->commit(OutputFile::Mode::kPlain);
}

std::string Compilation::assembly() const {
  std::string text;
  for (const EmittedModel& model : models_) {
    std::vector<EmittedFile> headers = model.headers;
    headers.insert(headers.end(), model.private_headers.begin(), model.private_headers.end());
    for (const EmittedFile& source : model.sources) {
      text += codegen::compile_to_assembly(source, headers,
                                           {.target = plan_.target, .optimization = options_.optimization});
    }
  }
  return text;
}

}  // namespace

std::span<const PipelineStep> pipeline_steps() { return kSteps; }

void compile_models(const Options& options, const Streams& streams) { Compilation(options, streams).run(); }

}  // namespace tsc
