#include "codegen/runtime_files.h"

#include <cstddef>

// Tables that cmake/EmbedFiles.cmake writes; a null name ends each.
struct TableRow {
  const char* name;
  const char* text;
  size_t size;
};
extern "C" const TableRow tsc_runtime_files[];
extern "C" const TableRow tsc_device_files[];
extern "C" const TableRow tsc_freestanding_headers[];

namespace tsc::codegen {
namespace {

std::vector<EmbeddedFile> read_table(const TableRow* row) {
  std::vector<EmbeddedFile> files;
  for (; row->name != nullptr; ++row) files.push_back({row->name, {row->text, row->size}});
  return files;
}

}  // namespace

const std::vector<EmbeddedFile>& runtime_files() {
  static const std::vector<EmbeddedFile> files = read_table(tsc_runtime_files);
  return files;
}

const std::vector<EmbeddedFile>& device_files() {
  static const std::vector<EmbeddedFile> files = read_table(tsc_device_files);
  return files;
}

const std::vector<EmbeddedFile>& freestanding_headers() {
  static const std::vector<EmbeddedFile> files = read_table(tsc_freestanding_headers);
  return files;
}

}  // namespace tsc::codegen
