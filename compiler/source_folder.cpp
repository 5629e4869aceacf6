#include "compiler/source_folder.h"

#include <cctype>
#include <filesystem>
#include <map>
#include <optional>
#include <string_view>

#include "codegen/emit_launch.h"
#include "codegen/format.h"
#include "codegen/native.h"
#include "codegen/runtime_files.h"
#include "codegen/weights.h"
#include "compiler/diagnostic.h"

namespace tsc {
namespace {

using codegen::EmbeddedFile;
using codegen::EmittedFile;
using codegen::EmittedModel;

const EmbeddedFile* find_file(const std::vector<EmbeddedFile>& files, std::string_view name) {
  for (const EmbeddedFile& file : files) {
    if (file.name == name) return &file;
  }
  return nullptr;
}

// The runtime's files that a text includes, directly or through others.
class RuntimeFiles {
 public:
  // `folder` is the including file's own, in the runtime; "" for emitted text.
  void add_includes_of(std::string_view text, const std::string& folder) {
    constexpr std::string_view kDirective = "#include \"";
    for (size_t at = 0; (at = text.find(kDirective, at)) != std::string_view::npos;) {
      at += kDirective.size();
      add(std::string(text.substr(at, text.find('"', at) - at)), folder);
    }
  }
  // By their paths in the folder.
  const std::map<std::string, std::string_view>& files() const { return files_; }

 private:
  void add(const std::string& name, const std::string& folder) {
    std::string_view below = name;
    if (below.starts_with("runtime/")) below.remove_prefix(8);
    for (const std::string& place : {std::string(below), "include/" + name, folder + "/" + name}) {
      const EmbeddedFile* file = find_file(codegen::runtime_files(), place);
      if (file == nullptr) continue;
      if (!files_.emplace("runtime/" + std::string(file->name), file->text).second) return;
      const std::string path(file->name);
      add_includes_of(file->text, path.substr(0, path.rfind('/')));
      return;
    }
    const EmbeddedFile* file = find_file(codegen::device_files(), name);
    if (file != nullptr && files_.emplace(name, file->text).second) add_includes_of(file->text, "");
  }

  std::map<std::string, std::string_view> files_;
};

// An assembly file that makes the weights' bytes a read-only section under their symbol.
std::string weights_assembly(const EmittedModel& model, const std::string& file) {
  return fmt::format(
      "  .section .rodata.weights,\"a\",%progbits\n  .balign 64\n  .globl {0}\n  .hidden {0}\n{0}:\n  .incbin \"{1}\"\n"
      "  .section .note.GNU-stack,\"\",%progbits\n",
      model.weights_symbol, file);
}

std::string fill_template(std::string text, const std::map<std::string, std::string>& values) {
  for (const auto& [key, value] : values) {
    const std::string mark = "@" + key + "@";
    for (size_t at = 0; (at = text.find(mark, at)) != std::string::npos; at += value.size()) {
      text.replace(at, mark.size(), value);
    }
  }
  return text;
}

// CMake's target: the folder's name in letters that targets may have, behind a prefix, since CMake keeps some names for
// itself (all, test, help, ...). The library has the folder's name as it is.
std::string target_name(const std::string& name) {
  std::string target = "tsc_";
  for (const char c : name) target += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return target;
}

}  // namespace

void write_source_folder(std::vector<EmittedModel>& models, const std::optional<EmittedFile>& library, const codegen::Target& target,
                         const std::string& name, const std::vector<std::string>& definitions,
                         const OutputFolder& folder) {
  RuntimeFiles runtime;
  std::string sources, device_sources;
  auto write = [&](const EmittedFile& file) {
    folder.write(file.name, file.text);
    runtime.add_includes_of(file.text, "");
  };
  auto write_source = [&](const EmittedFile& file) {
    write(file);
    sources += "  " + file.name + "\n";
  };
  auto formatted = [](const EmittedFile& file) { return EmittedFile{file.name, codegen::format_source(file.text)}; };
  folder.write(".clang-format", codegen::format_settings());
  for (EmittedModel& model : models) {
    for (const EmittedFile& file : model.sources) write_source(formatted(file));
    for (const EmittedFile& file : model.device_sources) {
      write(formatted(file));
      device_sources += (device_sources.empty() ? "" : " ") + file.name;
    }
    for (const EmittedFile& file : model.private_headers) write(formatted(file));
    for (const EmittedFile& file : model.headers) write(file);
    if (model.weights_size == 0) continue;
    const std::string blob = model.name + "_weights.bin";
    codegen::write_weights_blob(model.weights, model.weights_size, folder.temporary_path(blob));
    write_source({model.name + "_weights.S", weights_assembly(model, blob)});
  }
  if (library) write_source(formatted(*library));
  for (const auto& [path, text] : runtime.files()) folder.write(path, std::string(text));

  std::vector<std::string> all_definitions = codegen::definitions(target);
  all_definitions.insert(all_definitions.end(), definitions.begin(), definitions.end());
  std::string joined;
  for (const std::string& definition : all_definitions) joined += (joined.empty() ? "" : " ") + definition;
  const EmbeddedFile* build_file = find_file(
      codegen::runtime_files(), target.is_freestanding ? "cmake/freestanding.CMakeLists.txt.in" : "cmake/CMakeLists.txt.in");
  TSC_ASSERT(build_file != nullptr);
  // As in native.cpp: tiles are chosen for the full width, which some CPUs do not prefer.
  const std::string vector_option =
      target.is_x86() ? fmt::format("-mprefer-vector-width={}", target.vector_bytes * 8) : std::string();
  std::string build_text(build_file->text), device_options;
  if (!device_sources.empty()) {
    build_text += codegen::device_build_template();
    for (const std::string& option : codegen::device_compile_options(target)) device_options += (device_options.empty() ? "" : " ") + option;
  }
  folder.write("CMakeLists.txt",
               fill_template(std::move(build_text), {{"TARGET", target_name(name)},
                                                             {"OUTPUT_NAME", "[==[" + name + "]==]"},
                                                             {"LIBRARY", "lib" + name + ".a"},
                                                             {"CPU", codegen::portable_cpu(target)},
                                                             {"VECTOR_BYTES", std::to_string(target.vector_bytes)},
                                                             {"VECTOR_OPTION", vector_option},
                                                             {"CPU_OPTIONS", target.is_bare ? target.gcc_options : "-march=" + codegen::portable_cpu(target)},
                                                             {"HOST_OPTIONS", target.is_bare ? "" : "-fPIC -march=" + codegen::portable_cpu(target) + " " + vector_option},
                                                             {"SOURCES", sources.substr(0, sources.size() - 1)},
                                                             {"DEVICE_SOURCES", device_sources},
                                                             {"DEVICE_OPTIONS", device_options},
                                                             {"DEFINITIONS", joined}}));
}

}  // namespace tsc
