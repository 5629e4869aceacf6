// Files that must be refused before or by LibTorch, each with a reason of its own.
#include <gtest/gtest.h>

#include "compiler/torch/import.h"

namespace tsc {
namespace {

std::vector<Diagnostic> refuse(const std::string& path) {
  const auto result = import_model({.path = path, .inputs = {}, .methods = {}});
  const auto* diagnostics = std::get_if<std::vector<Diagnostic>>(&result);
  if (diagnostics == nullptr || diagnostics->empty()) {
    ADD_FAILURE() << path << " is not refused";
    return {Diagnostic{}};
  }
  for (const Diagnostic& diagnostic : *diagnostics) EXPECT_EQ(diagnostic.message.find('\n'), std::string::npos);
  return *diagnostics;
}

std::vector<Diagnostic> refuse_model(const std::string& name) {
  return refuse(std::string(TSC_MODELS) + "/refused/" + name + ".pt");
}

TEST(Refusal, Files) {
  EXPECT_EQ(refuse(std::string(TSC_MODELS) + "/nowhere.pt")[0].code, "missing_file");
  EXPECT_EQ(refuse(TSC_MODELS)[0].code, "not_a_file");
  EXPECT_EQ(refuse_model("text")[0].code, "not_an_archive");
  EXPECT_EQ(refuse_model("empty")[0].code, "not_an_archive");
  EXPECT_EQ(refuse_model("pickle")[0].code, "not_torchscript");
  EXPECT_EQ(refuse_model("state_dict")[0].code, "not_torchscript");
  EXPECT_EQ(refuse_model("legacy_state_dict")[0].code, "not_torchscript");
  EXPECT_EQ(refuse_model("exported")[0].code, "exported_program");
  EXPECT_EQ(refuse_model("truncated")[0].code, "truncated_archive");
}

TEST(Refusal, HostileArchives) {
  const Diagnostic short_storage = refuse_model("short_storage")[0];
  EXPECT_EQ(short_storage.code, "truncated_archive");
  EXPECT_NE(short_storage.message.find("8 bytes, but its tensors need 256"), std::string::npos)
      << short_storage.message;
  EXPECT_EQ(refuse_model("deep_pickle")[0].code, "truncated_archive");
  EXPECT_EQ(refuse_model("bad_opcode")[0].code, "truncated_archive");
  EXPECT_EQ(refuse_model("deep_code")[0].code, "bad_archive");
}

TEST(Refusal, OpsAllAtOnceWithLineAndCount) {
  const auto diagnostics = refuse_model("unsupported_op");
  ASSERT_EQ(diagnostics.size(), 3u);
  EXPECT_EQ(diagnostics[0].op, "aten::to_sparse");
  EXPECT_EQ(diagnostics[0].count, 2);
  ASSERT_FALSE(diagnostics[0].frames.empty());
  EXPECT_NE(diagnostics[0].frames[0].file.find("export.py"), std::string::npos);
  EXPECT_EQ(diagnostics[0].frames[0].text, "y = x.to_sparse()");
  ASSERT_EQ(diagnostics[0].others.size(), 1u);
  EXPECT_EQ(diagnostics[0].others[0].text, "z = (x + 1).to_sparse()");
  EXPECT_EQ(diagnostics[1].op, "aten::to_dense");
  EXPECT_EQ(diagnostics[2].op, "aten::to_mkldnn");
}

TEST(Refusal, CustomOpsThatAreReached) {
  const auto diagnostics = refuse_model("custom_op");
  ASSERT_EQ(diagnostics.size(), 3u);
  EXPECT_EQ(diagnostics[0].op, "tsc_test::pair");
  ASSERT_FALSE(diagnostics[0].frames.empty());
  EXPECT_EQ(diagnostics[0].frames[0].text, "a, b = torch.ops.tsc_test.pair(x, 3)");
  EXPECT_NE(diagnostics[0].advice.find("custom operator"), std::string::npos);
  EXPECT_EQ(diagnostics[1].op, "tsc_test::write_");
  EXPECT_EQ(diagnostics[2].op, "tsc_test::one");
  EXPECT_EQ(diagnostics[2].count, 2);
  // What it gives is no tensor, so that LibTorch can't read the code around it.
  const auto count = refuse_model("custom_count");
  ASSERT_EQ(count.size(), 1u);
  EXPECT_EQ(count[0].code, "unsupported_op");
  EXPECT_EQ(count[0].op, "tsc_test::count");
}

TEST(Refusal, QuantizedOps) {
  const auto diagnostics = refuse_model("quantized");
  ASSERT_EQ(diagnostics.size(), 1u);
  EXPECT_EQ(diagnostics[0].code, "unsupported_op");
  EXPECT_EQ(diagnostics[0].op, "quantized::embedding_byte");
  EXPECT_EQ(diagnostics[0].advice, "keep this module in float");
  ASSERT_FALSE(diagnostics[0].frames.empty());
  EXPECT_EQ(diagnostics[0].frames[0].text, "return torch.ops.quantized.embedding_byte(self.weight, x)");
}

}  // namespace
}  // namespace tsc
