// Runs the .tir files of this folder. Such a file is
//
//   # passes: eliminate_dead_code, infer
//   <IR text>
//   # expected
//   <IR text after the passes>
//
// The graph is verified before and after each pass, and the result is read back and printed again. With TSC_BLESS=1 in
// the environment the expected text is rewritten; the difference is to be reviewed line by line.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "compiler/ir/parse.h"
#include "compiler/ir/print.h"
#include "compiler/ir/verify.h"
#include "passes/passes.h"

namespace tsc {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPassesLine = "# passes:";
constexpr std::string_view kSeparator = "\n# expected\n";

struct Golden {
  std::vector<std::string> passes;
  std::string input;  // with the line of passes
  std::string expected;
};

std::string read_file(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::vector<std::string> split_names(std::string line) {
  std::replace(line.begin(), line.end(), ',', ' ');
  std::istringstream stream(line);
  std::vector<std::string> names;
  for (std::string name; stream >> name;) names.push_back(name);
  return names;
}

Golden read_golden(const fs::path& path) {
  const std::string text = read_file(path);
  Golden golden;
  const size_t separator = text.find(kSeparator);
  golden.input = text.substr(0, separator == std::string::npos ? separator : separator + 1);
  if (separator != std::string::npos) golden.expected = text.substr(separator + kSeparator.size());
  if (text.starts_with(kPassesLine)) {
    const size_t end = text.find('\n');
    golden.passes = split_names(text.substr(kPassesLine.size(), end - kPassesLine.size()));
  }
  return golden;
}

// The graph of a text, which must be right.
ir::Graph parse_valid(const std::string& text, const std::string& what) {
  std::variant<ir::Graph, ir::ParseError> parsed = ir::parse(text);
  if (const auto* error = std::get_if<ir::ParseError>(&parsed)) {
    ADD_FAILURE() << what << ":" << error->line << ":" << error->column << ": " << error->message;
    return {};
  }
  return std::get<ir::Graph>(std::move(parsed));
}

class GoldenTest : public testing::TestWithParam<std::string> {};

TEST_P(GoldenTest, MatchesExpected) {
  const fs::path path = fs::path(TSC_GOLDEN_DIR) / GetParam();
  const Golden golden = read_golden(path);
  ASSERT_FALSE(golden.passes.empty()) << "the first line names no passes";

  ir::Graph graph = parse_valid(golden.input, GetParam());
  ASSERT_EQ(ir::verify(graph), std::vector<std::string>());
  for (const std::string& name : golden.passes) {
    const passes::Pass* pass = passes::find_pass(name);
    ASSERT_NE(pass, nullptr) << "no pass " << name;
    pass->run(graph);
    ASSERT_EQ(ir::verify(graph), std::vector<std::string>()) << "after " << name << "\n" << ir::print(graph);
  }

  const std::string actual = ir::print(graph);
  EXPECT_EQ(ir::print(parse_valid(actual, "result")), actual);
  const char* bless = std::getenv("TSC_BLESS");
  if (bless != nullptr && std::string_view(bless) == "1") {
    std::ofstream(path, std::ios::binary) << golden.input << kSeparator.substr(1) << actual;
    return;
  }
  EXPECT_EQ(actual, golden.expected);
}

std::vector<std::string> golden_files() {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(TSC_GOLDEN_DIR)) {
    if (entry.path().extension() == ".tir") names.push_back(fs::relative(entry.path(), TSC_GOLDEN_DIR).string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param.substr(0, info.param.size() - std::string_view(".tir").size());
  for (char& c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Files, GoldenTest, testing::ValuesIn(golden_files()), test_name);

}  // namespace
}  // namespace tsc
