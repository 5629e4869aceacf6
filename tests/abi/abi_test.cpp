// The C++ wrapper: values of each kind both ways, state, errors.
#include <gtest/gtest.h>

#include <thread>

#include "tests/abi/tiny_library.h"

namespace {

class Wrapper : public ::testing::Test {
 protected:
  tsc::Library library_{tiny_library(TSC_ABI_VERSION)};
  tsc::Model model_ = library_.model("tiny");
  float data_[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  tsc::Tensor vector(int64_t size = 3) { return tsc::tensor(data_, {size}); }
};

TEST_F(Wrapper, Forward) {
  const tsc::Result y = model_("forward")(tsc::tensor(data_, {2, 4}), 2.0);
  ASSERT_EQ(y.tensor().shape(), (std::vector<int64_t>{2, 3}));
  const std::vector<float> values(y.tensor().data<float>(), y.tensor().data<float>() + 6);
  EXPECT_EQ(values, (std::vector<float>{3, 7, 26, 11, 23, 58}));
  EXPECT_THROW(y.tensor().data<double>(), tsc::Error);
  EXPECT_THROW(y.to_int(), tsc::Error);
}

TEST_F(Wrapper, EmptyBatch) {
  const tsc::Result y = model_("forward")(tsc::tensor(data_, {0, 4}));
  EXPECT_EQ(y.tensor().shape(), (std::vector<int64_t>{0, 3}));
}

TEST_F(Wrapper, DictOfListsOfTensors) {
  const tsc::Value features = tsc::dict({{"b", tsc::list({vector(), vector()})}, {"a", tsc::list({vector()})}});
  const tsc::Result all = model_("totals")(features);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all.key(0).to_string(), "b");
  EXPECT_EQ(all["b"].tensor().data<float>()[2], 6);
  EXPECT_EQ(all["a"].tensor().data<float>()[2], 3);
  EXPECT_THROW(all["c"], tsc::Error);
  EXPECT_EQ(model_("totals")(features, tsc::list({"a"})).size(), 1u);
}

TEST_F(Wrapper, ObjectsTuplesOptionalsAndComplexNumbers) {
  const tsc::Result there = model_("shift")(tsc::object({2, 5}), -3);
  ASSERT_EQ(there.kind(), TSC_TUPLE);
  EXPECT_EQ(there[0].type_name(), "Window");
  EXPECT_EQ(there[0]["begin"].to_int(), -1);
  EXPECT_EQ(there[0]["end"].to_int(), 2);
  EXPECT_EQ(there[1].to_string(), "backwards");
  EXPECT_EQ(there[2].to_complex(), std::complex<double>(-3, 1));
  EXPECT_TRUE(model_("shift")(tsc::object({2, 5}))[1].is_none());
}

TEST_F(Wrapper, ObjectFieldsByName) {
  const char* const fields[] = {"end", "begin"};
  const tsc_names names = {"Window", fields};
  const tsc::Value window = tsc::Value::sequence(TSC_OBJECT, {10, 1}, &names);
  EXPECT_EQ(model_("shift")(window)[0]["begin"].to_int(), 2);
  const char* const wrong[] = {"end", "start"};
  const tsc_names wrong_names = {"Window", wrong};
  EXPECT_THROW(model_("shift")(tsc::Value::sequence(TSC_OBJECT, {10, 1}, &wrong_names)), tsc::Error);
}

TEST_F(Wrapper, AnyKeepsTheKind) {
  EXPECT_TRUE(model_("echo")(nullptr).is_none());
  EXPECT_TRUE(model_("echo")(true).to_bool());
  EXPECT_EQ(model_("echo")(5).to_int(), 5);
  EXPECT_EQ(model_("echo")(2.5).to_double(), 2.5);
  EXPECT_EQ(model_("echo")("text").to_string(), "text");
  EXPECT_EQ(model_("echo")(tsc::list({1, 2}))[1].to_int(), 2);
  EXPECT_EQ(model_("echo")(tsc::list({1, "two"}))[1].to_string(), "two");
  EXPECT_EQ(model_("echo")(tsc::dict({{"k", 3}}))["k"].to_int(), 3);
  EXPECT_EQ(model_("echo")(vector()).tensor().data<float>()[2], 3);
}

TEST_F(Wrapper, OutputsAliasNothing) {
  const tsc::Result echoed = model_("echo")(vector());
  EXPECT_NE(echoed.tensor().data<float>(), data_);
  const tsc::Result first = model_("accumulate")(vector());
  const tsc::Result second = model_("accumulate")(vector());
  EXPECT_EQ(first["total"].tensor().data<float>()[0], 1);
  EXPECT_EQ(second["total"].tensor().data<float>()[0], 2);
}

TEST_F(Wrapper, StateBelongsToTheInstance) {
  EXPECT_EQ(model_("accumulate")(vector())["count"].to_int(), 1);
  tsc::Model fresh = model_.another();
  tsc::Model copy = model_.clone();
  EXPECT_EQ(model_("accumulate")(vector())["count"].to_int(), 2);
  EXPECT_EQ(copy("accumulate")(vector())["total"].tensor().data<float>()[1], 4);
  EXPECT_EQ(fresh.state("count").to_int(), 0);
  fresh.set_state("count", 10);
  fresh.set_state("total", vector());
  data_[0] = 100;  // set_state copied
  EXPECT_EQ(fresh.state("total").tensor().data<float>()[0], 1);
  EXPECT_EQ(fresh("accumulate")(vector())["count"].to_int(), 11);
  model_.reset();
  EXPECT_EQ(model_.state("count").to_int(), 0);
  EXPECT_EQ(model_.state("total").tensor().data<float>()[0], 0);
  EXPECT_THROW(model_.state("nothing"), tsc::Error);
  EXPECT_THROW(fresh.set_state("count", "text"), tsc::Error);
  EXPECT_EQ(fresh.state("count").to_int(), 11);
}

TEST_F(Wrapper, StateDoesNotKeepTheCallersMemory) {
  {
    std::vector<float> mine = {7, 8, 9};
    model_("remember")(tsc::tensor(mine.data(), {3}));
    mine = {0, 0, 0};
  }
  EXPECT_EQ(model_.state("total").tensor().data<float>()[1], 8);
  EXPECT_EQ(model_("accumulate")(vector())["total"].tensor().data<float>()[2], 12);
}

TEST_F(Wrapper, ErrorsNameThePlace) {
  try {
    model_("totals")(tsc::dict({{"a", tsc::list({vector(), 3})}}));
    FAIL();
  } catch (const tsc::Error& error) {
    EXPECT_EQ(error.status(), TSC_TYPE_ERROR);
    EXPECT_STREQ(error.message(), "totals(): input 'features'['a'][1]: expected Tensor, got int");
    EXPECT_EQ(error.frame_count(), 0u);
  }
  try {
    model_("totals")(tsc::dict({}), tsc::list({"gone"}));
    FAIL();
  } catch (const tsc::Error& error) {
    EXPECT_EQ(error.status(), TSC_KEY_ERROR);
    EXPECT_STREQ(error.what(), "tiny.py:43: KeyError: the dict has no key 'gone'");
  }
  EXPECT_THROW(model_("accumulate")(vector(2)), tsc::Error);
  EXPECT_EQ(model_.state("count").to_int(), 0);  // the check came before the effect
}

TEST_F(Wrapper, ThreadsDoNotChangeResults) {
  std::vector<float> x(100003);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i) * 0.37f;
  const tsc::Tensor input = tsc::tensor(x.data(), {static_cast<int64_t>(x.size())});
  const tsc::Result one = model_("squares")(input);
  for (const int threads : {2, 3, 8}) {
    tsc::Options options;
    options.threads = threads;
    const tsc::Result many = library_.model("tiny", options)("squares")(input);
    EXPECT_EQ(memcmp(one.tensor().data<float>(), many.tensor().data<float>(), x.size() * sizeof(float)), 0);
  }
}

TEST_F(Wrapper, SchedulerOfTheCallers) {
  int jobs = 0;
  tsc_options options{};
  options.struct_size = sizeof options;
  options.threads = 4;
  options.parallel_user = &jobs;
  options.parallel_for = [](void* user, int64_t parts, void (*body)(void*, int64_t), void* data) {
    ++*static_cast<int*>(user);
    for (int64_t part = parts - 1; part >= 0; --part) body(data, part);
  };
  std::vector<float> x(10000, 3.0f);
  const tsc::Model model = library_.model("", options);
  EXPECT_EQ(model("squares")(tsc::tensor(x.data(), {10000})).tensor().data<float>()[9999], 9);
  EXPECT_EQ(jobs, 1);
}

// Two libraries are linked into this program, one of them with two models.
TEST_F(Wrapper, LibraryOfSeveralModels) {
  const tsc::Library pair(twice_library(TSC_ABI_VERSION));
  EXPECT_EQ(pair.models(), (std::vector<std::string>{"twice", "length"}));
  EXPECT_EQ(pair.model("twice")("forward")(21).to_int(), 42);
  EXPECT_EQ(pair.model("length")("of")("four").to_int(), 4);
  EXPECT_THROW(pair.model(), tsc::Error);  // which one?
  EXPECT_THROW(pair.model("twice").state("x"), tsc::Error);
  tsc::Model stateless = pair.model("twice");
  stateless.reset();
  EXPECT_EQ(stateless.clone()("forward")(true).to_int(), 2);
}

TEST_F(Wrapper, OptionsAreChecked) {
  tsc_options options{};
  EXPECT_THROW(library_.model("tiny", options), tsc::Error);  // struct_size
  options.struct_size = sizeof options;
  options.threads = -1;
  EXPECT_THROW(library_.model("tiny", options), tsc::Error);
  options.threads = 1;
  options.allocate = [](void*, size_t, size_t) -> void* { return nullptr; };
  EXPECT_THROW(library_.model("tiny", options), tsc::Error);  // no release
  EXPECT_THROW(library_.model("large"), tsc::Error);
  EXPECT_THROW(tsc::Library("/nowhere/tiny.so"), tsc::Error);
  try {
    tsc::Library("libc.so.6");
    FAIL() << "a name without a folder is a file here, not one that dlopen searches for";
  } catch (const tsc::Error& error) {
    EXPECT_NE(std::string(error.what()).find("./libc.so.6"), std::string::npos) << error.what();
  }
  EXPECT_EQ(library_.models(), std::vector<std::string>{"tiny"});
}

}  // namespace
