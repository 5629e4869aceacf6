// Emitted source as people read it.
#include "codegen/format.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace tsc::codegen {
namespace {

TEST(Format, BreaksAndIndents) { EXPECT_EQ(format_source("int  f( ){return   1 ;}\n"), "int f() { return 1; }\n"); }

// Sizes that only the run time knows may take a thousand characters each; clang-format would think about them for
// minutes.
TEST(Format, LeavesLongLinesAfterTheFirst) {
  std::string sum = "1";
  for (int i = 0; i < 600; ++i) sum += " + 1";
  std::string text;
  for (int i = 0; i < 40; ++i) text += fmt::format("int f{}() {{\n  return {};\n}}\n\n", i, sum);
  text += "int  last( ){return   1 ;}\n";
  const std::string formatted = format_source(text);
  EXPECT_EQ(formatted.find("return " + sum + ";"), formatted.find("int f20() {") + 14)
      << "20 of them make 50,000 characters";
  EXPECT_NE(formatted.find("int last() { return 1; }\n"), std::string::npos);
}

}  // namespace
}  // namespace tsc::codegen
