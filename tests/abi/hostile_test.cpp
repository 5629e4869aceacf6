// Descriptors that lie: each gets a named error before anything is read through them, and the instance works after it.
#include <gtest/gtest.h>

#include <climits>
#include <random>

#include "tests/abi/tiny_library.h"

namespace {

class Hostile : public ::testing::Test {
 protected:
  void SetUp() override {
    lib_ = tiny_library(TSC_ABI_VERSION);
    ASSERT_EQ(lib_->model_create("tiny", nullptr, &model_, &error_), TSC_OK);
    ASSERT_EQ(lib_->instance_create(model_, &instance_, &error_), TSC_OK);
    reset();
  }
  void TearDown() override {
    lib_->instance_destroy(instance_);
    lib_->model_destroy(model_);
  }
  // A good 2 x 4 matrix.
  void reset() {
    shape_[0] = 2;
    shape_[1] = 4;
    tensor_ = {};
    tensor_.data = data_;
    tensor_.device.device_type = 1;
    tensor_.ndim = 2;
    tensor_.dtype = {TSC_DTYPE_FLOAT, 32, 1};
    tensor_.shape = shape_;
    value_ = {};
    value_.kind = TSC_TENSOR;
    value_.as.tensor = &tensor_;
  }
  tsc_status call(const char* method = "forward") {
    tsc_result* result = nullptr;
    const tsc_status status = lib_->call(instance_, method, &value_, 1, &result, &error_);
    EXPECT_EQ(status == TSC_OK, result != nullptr);
    EXPECT_EQ(status, error_.status);
    EXPECT_EQ(status == TSC_OK, error_.message[0] == 0);
    lib_->result_destroy(result);
    return status;
  }
  void expect(tsc_status status, const char* message) {
    EXPECT_EQ(call(), status);
    EXPECT_STREQ(error_.message, message);
    reset();
    EXPECT_EQ(call(), TSC_OK) << "after: " << message;
  }

  const tsc_library* lib_ = nullptr;
  tsc_model* model_ = nullptr;
  tsc_instance* instance_ = nullptr;
  tsc_error error_;
  alignas(64) float data_[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  int64_t shape_[64];
  int64_t strides_[64];
  tsc_tensor tensor_;
  tsc_value value_;
};

TEST_F(Hostile, Tensors) {
  value_.as.tensor = nullptr;
  expect(TSC_INVALID_ARGUMENT, "forward(): input 'x': its tensor is a null pointer");
  tensor_.data = nullptr;
  expect(TSC_INVALID_ARGUMENT, "forward(): input 'x': the tensor's data is a null pointer");
  tensor_.shape = nullptr;
  expect(TSC_INVALID_ARGUMENT, "forward(): input 'x': the tensor's shape is a null pointer");
  tensor_.device.device_type = 2;
  expect(TSC_UNSUPPORTED, "forward(): input 'x': the tensor is not in the CPU's memory");
  tensor_.dtype.lanes = 4;
  expect(TSC_UNSUPPORTED, "forward(): input 'x': the tensor's dtype is not supported");
  tensor_.dtype.bits = 4;
  expect(TSC_UNSUPPORTED, "forward(): input 'x': the tensor's dtype is not supported");
  tensor_.dtype.code = 255;
  expect(TSC_UNSUPPORTED, "forward(): input 'x': the tensor's dtype is not supported");
  tensor_.ndim = -1;
  expect(TSC_INVALID_ARGUMENT, "forward(): input 'x': the tensor's number of dimensions is not in 0 to 64");
  tensor_.ndim = INT_MAX;
  expect(TSC_INVALID_ARGUMENT, "forward(): input 'x': the tensor's number of dimensions is not in 0 to 64");
  shape_[1] = -4;
  expect(TSC_INVALID_ARGUMENT, "forward(): input 'x': the tensor has a negative size");
  shape_[0] = INT64_MAX;
  expect(TSC_INVALID_ARGUMENT, "forward(): input 'x': the tensor's size in bytes overflows");
  tensor_.strides = strides_;
  strides_[0] = INT64_MAX;
  strides_[1] = INT64_MAX;
  expect(TSC_INVALID_ARGUMENT, "forward(): input 'x': the tensor's strides reach too far");
  tensor_.strides = strides_;
  strides_[0] = INT64_MIN;
  strides_[1] = 1;
  expect(TSC_INVALID_ARGUMENT, "forward(): input 'x': the tensor has a negative stride: pass a copy");
  tensor_.byte_offset = 2;
  expect(TSC_INVALID_ARGUMENT, "forward(): input 'x': the tensor's data is not aligned to its elements");
  tensor_.dtype = {TSC_DTYPE_INT, 64, 1};
  shape_[0] = 1;
  expect(TSC_TYPE_ERROR, "linear: expected Float, got Long");
  shape_[1] = 3;
  expect(TSC_SHAPE_ERROR, "linear: the input's last size must be 4");
  tensor_.ndim = 0;
  expect(TSC_SHAPE_ERROR, "linear: the input's last size must be 4");
  shape_[0] = 0;  // an empty tensor needs no data
  tensor_.data = nullptr;
  EXPECT_EQ(call(), TSC_OK);
}

TEST_F(Hostile, Values) {
  value_.kind = 99;
  expect(TSC_TYPE_ERROR, "forward(): input 'x': expected Tensor, got a value of an unknown kind");
  value_.kind = INT_MIN;
  expect(TSC_TYPE_ERROR, "forward(): input 'x': expected Tensor, got a value of an unknown kind");
  for (const int kind : {TSC_LIST, TSC_TUPLE, TSC_DICT, TSC_OBJECT}) {
    value_ = {};
    value_.kind = kind;
    value_.as.sequence.count = 3;  // and no items
    EXPECT_NE(call("totals"), TSC_OK);
    EXPECT_NE(call("shift"), TSC_OK);
    EXPECT_NE(call("echo"), TSC_OK);
  }
  value_ = {};
  value_.kind = TSC_STR;
  value_.as.str.size = 5;  // and no data
  EXPECT_EQ(call("echo"), TSC_INVALID_ARGUMENT);
  value_.as.str.data = "x";
  value_.as.str.size = SIZE_MAX;
  EXPECT_EQ(call("echo"), TSC_INVALID_ARGUMENT);
  tsc_value key = {};
  value_.kind = TSC_DICT;
  value_.as.sequence = {&key, 1};
  EXPECT_EQ(call("totals"), TSC_INVALID_ARGUMENT);  // a key without a value
}

// A list that contains itself.
TEST_F(Hostile, EndlessNesting) {
  tsc_value endless = {};
  endless.kind = TSC_LIST;
  endless.as.sequence = {&endless, 1};
  value_ = endless;
  EXPECT_EQ(call("echo"), TSC_RUNTIME_ERROR);
  EXPECT_STREQ(error_.message, "maximum recursion depth exceeded");
  reset();
  EXPECT_EQ(call(), TSC_OK);
}

TEST_F(Hostile, LongNamesInMessages) {
  const std::string name(100000, 'n');
  tsc_value entry[2] = {};
  entry[0].kind = TSC_STR;
  entry[0].as.str = {name.data(), name.size()};
  entry[1].kind = TSC_INT;
  value_.kind = TSC_DICT;
  value_.as.sequence = {entry, 2};
  EXPECT_EQ(call("totals"), TSC_TYPE_ERROR);
  EXPECT_LT(strlen(error_.message), sizeof error_.message);
  EXPECT_EQ(lib_->call(instance_, name.c_str(), nullptr, 0, nullptr, &error_), TSC_INVALID_ARGUMENT);
  tsc_result* result;
  EXPECT_EQ(lib_->call(instance_, name.c_str(), nullptr, 0, &result, &error_), TSC_INVALID_ARGUMENT);
  EXPECT_EQ(lib_->state_get(instance_, name.c_str(), &result, &error_), TSC_INVALID_ARGUMENT);
}

// Random field values in otherwise sound descriptors: an error or a result, never more.
TEST_F(Hostile, RandomDescriptors) {
  std::mt19937_64 random(3);
  const int64_t extremes[] = {0, 1, 2, 3, 4, 5, -1, INT64_MAX, INT64_MIN, INT64_MAX / 2, int64_t{1} << 32, 64, 63};
  const auto pick = [&] { return extremes[random() % (sizeof extremes / sizeof extremes[0])]; };
  // The first 8 floats of a page may be read: strides and sizes beyond them are told from the descriptor alone only
  // when they overflow, so sizes stay at 2 x 4 or are empty where the rest is sound.
  for (int round = 0; round < 20000; ++round) {
    reset();
    switch (random() % 6) {
      case 0:
        tensor_.ndim = static_cast<int32_t>(pick());
        tensor_.shape = random() % 2 ? nullptr : shape_;
        for (int64_t& size : shape_) size = 0;
        break;
      case 1:
        tensor_.dtype = {static_cast<uint8_t>(pick()), static_cast<uint8_t>(pick()), static_cast<uint16_t>(pick())};
        shape_[0] = 0;
        break;
      case 2:
        tensor_.device.device_type = static_cast<int32_t>(pick());
        break;
      case 3:
        shape_[random() % 2] = random() % 2 ? -1 : 0;
        break;
      case 4:
        value_.kind = static_cast<int32_t>(pick());
        value_.as.sequence = {nullptr, static_cast<size_t>(pick())};
        break;
      default:
        tensor_.strides = strides_;
        strides_[0] = 0;
        strides_[1] = random() % 2 ? INT64_MIN : 1;
    }
    static const char* const kMethods[] = {"forward", "totals", "accumulate", "check", "shift", "echo", "squares"};
    call(kMethods[random() % 7]);
  }
  reset();
  EXPECT_EQ(call(), TSC_OK);
}

}  // namespace
