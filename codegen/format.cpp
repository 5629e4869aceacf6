#include "codegen/format.h"

#include <clang/Format/Format.h>

#include <algorithm>
#include <string_view>
#include <vector>

namespace tsc::codegen {

namespace format = clang::format;

namespace {

constexpr unsigned kColumns = 120;
// clang-format takes a second and more to break a line that is longer, or as long as this with deeper brackets: so many
// characters of them take ten seconds.
constexpr size_t kLongestLine = 2000, kLongestDeepLine = 600;
constexpr int kDeepestBrackets = 6;
constexpr size_t kMostLongText = 50000;

bool is_long(std::string_view line) {
  if (line.size() <= kLongestDeepLine) return false;
  int depth = 0, deepest = 0;
  for (const char c : line) {
    if (c == '(') deepest = std::max(deepest, ++depth);
    if (c == ')') --depth;
  }
  return line.size() > kLongestLine || deepest > kDeepestBrackets;
}

// The parts of the text, between empty lines; of those with long lines the first ones only.
std::vector<clang::tooling::Range> parts_to_format(const std::string& text) {
  std::vector<clang::tooling::Range> parts;
  bool fits = true;
  size_t first = 0, long_text = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    if (is_long(std::string_view(text).substr(begin, end - begin))) {
      long_text += end - begin;
      fits = fits && long_text <= kMostLongText;
    }
    if (end == begin || end + 1 >= text.size()) {
      if (fits) parts.emplace_back(static_cast<unsigned>(first), static_cast<unsigned>(end - first));
      fits = true;
      first = end;
    }
    begin = end + 1;
  }
  return parts;
}

}  // namespace

std::string format_source(const std::string& text) {
  format::FormatStyle style = format::getGoogleStyle(format::FormatStyle::LK_Cpp);
  style.ColumnLimit = kColumns;
  style.SortIncludes = format::FormatStyle::SI_Never;
  auto formatted = clang::tooling::applyAllReplacements(text, format::reformat(style, text, parts_to_format(text)));
  if (formatted) return *formatted;
  llvm::consumeError(formatted.takeError());
  return text;
}

std::string format_settings() {
  return "BasedOnStyle: Google\nColumnLimit: " + std::to_string(kColumns) + "\nSortIncludes: false\n";
}

}  // namespace tsc::codegen
