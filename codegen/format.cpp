#include "codegen/format.h"

#include <clang/Format/Format.h>

namespace tsc::codegen {

namespace format = clang::format;

namespace {

constexpr unsigned kColumns = 120;

}  // namespace

std::string format_source(const std::string& text) {
  format::FormatStyle style = format::getGoogleStyle(format::FormatStyle::LK_Cpp);
  style.ColumnLimit = kColumns;
  style.SortIncludes = format::FormatStyle::SI_Never;
  const clang::tooling::Range all(0, static_cast<unsigned>(text.size()));
  auto formatted = clang::tooling::applyAllReplacements(text, format::reformat(style, text, all));
  if (formatted) return *formatted;
  llvm::consumeError(formatted.takeError());
  return text;
}

std::string format_settings() {
  return "BasedOnStyle: Google\nColumnLimit: " + std::to_string(kColumns) + "\nSortIncludes: false\n";
}

}  // namespace tsc::codegen
