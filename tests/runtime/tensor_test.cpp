#include "runtime/core/tensor.h"

#include <gtest/gtest.h>

#include <vector>

#include "runtime/core/dense.h"

namespace tsc {
namespace {

alignas(64) constexpr char kBytes[64] = {};
constinit const ConstantTensor<2> kWeight(DType::kFloat32, kBytes, 2, 8);

std::vector<i64> to_vector(Sizes sizes) { return {sizes.begin(), sizes.end()}; }

TEST(Tensor, UndefinedReadsAsEmpty) {
  const Tensor tensor;
  EXPECT_FALSE(tensor.defined());
  EXPECT_EQ(tensor.dim(), 1);
  EXPECT_EQ(tensor.size(0), 0);
  EXPECT_EQ(tensor.numel(), 0);
  EXPECT_TRUE(tensor.is_contiguous());
  EXPECT_FALSE(tensor.is_writable());
}

TEST(Tensor, EmptyIsRowMajorAndAligned) {
  Context ctx;
  {
    const Tensor tensor = Tensor::empty(ctx, DType::kFloat64, dims(2, 3, 4));
    EXPECT_EQ(to_vector(tensor.strides()), (std::vector<i64>{12, 4, 1}));
    EXPECT_EQ(tensor.numel(), 24);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.bytes()) % kAlignment, 0u);
    EXPECT_TRUE(tensor.is_contiguous() && tensor.is_writable());
    const Tensor scalar = Tensor::empty(ctx, DType::kInt64, dims());
    EXPECT_EQ(scalar.dim(), 0);
    EXPECT_EQ(scalar.numel(), 1);
    const Tensor none = Tensor::empty(ctx, DType::kInt64, dims(0, 5));
    EXPECT_EQ(none.numel(), 0);
  }
  EXPECT_TRUE(ctx.ok());
  EXPECT_EQ(ctx.live_bytes(), 0u);
}

TEST(Tensor, ViewsShareStorage) {
  Context ctx;
  Tensor view;
  {
    const Tensor base = Tensor::empty(ctx, DType::kInt32, dims(3, 4));
    for (int i = 0; i < 12; ++i) base.data<int32_t>()[i] = i;
    view = base.view(ctx, dims(4, 2), dims(1, 4), 4);
    EXPECT_TRUE(view.shares_storage(base));
    EXPECT_FALSE(view.is_same(base));
  }
  EXPECT_EQ(view.storage_offset(), 4);
  EXPECT_FALSE(view.is_contiguous());
  EXPECT_EQ(view.data<int32_t>()[view.stride(0) * 3 + view.stride(1)], 11);
  view = Tensor();
  EXPECT_EQ(ctx.live_bytes(), 0u);
}

TEST(Tensor, HandlesAreTheSameTensor) {
  Context ctx;
  const Tensor a = Tensor::empty(ctx, DType::kFloat32, dims(2));
  Tensor b = a;
  EXPECT_TRUE(a.is_same(b));
  b = *&b;  // self-assignment
  EXPECT_TRUE(b.defined());
  Tensor c = tsc::move(b);
  EXPECT_FALSE(b.defined());  // NOLINT(bugprone-use-after-move): a moved-from Tensor is undefined
  EXPECT_TRUE(c.is_same(a));
}

TEST(Tensor, ManyDimensions) {
  Context ctx;
  {
    i64 sizes[20];
    for (i64& size : sizes) size = 1;
    sizes[3] = 5;
    const Tensor tensor = Tensor::empty(ctx, DType::kUInt8, sizes);
    EXPECT_EQ(tensor.dim(), 20);
    EXPECT_EQ(tensor.numel(), 5);
    EXPECT_TRUE(tensor.is_contiguous());
    ASSERT_TRUE(tensor.impl()->set_rank(2));
    EXPECT_EQ(tensor.dim(), 2);
  }
  EXPECT_EQ(ctx.live_bytes(), 0u);
}

TEST(Tensor, RefusesImpossibleSizes) {
  for (const auto& sizes : {std::vector<i64>{-1}, {i64{1} << 62, 4}, {0, i64{1} << 62, 4}, {i64{1} << 61}}) {
    Context ctx;
    EXPECT_FALSE(Tensor::empty(ctx, DType::kFloat64, Sizes(sizes.data(), static_cast<i64>(sizes.size()))).defined());
    EXPECT_FALSE(ctx.ok());
  }
  Context ctx;
  EXPECT_FALSE(Tensor::empty(ctx, DType::kFloat64, dims(i64{1} << 50)).defined());
  EXPECT_EQ(ctx.error().kind, ErrorKind::kOutOfMemory);
}

TEST(Tensor, BorrowedMemoryIsReleased) {
  Context ctx;
  float data[6] = {0, 1, 2, 3, 4, 5};
  int released = 0;
  {
    const Tensor tensor = Tensor::borrow(
        ctx, data, DType::kFloat32, dims(2, 2), dims(3, 1), [](void* user) { ++*static_cast<int*>(user); }, &released);
    EXPECT_EQ(tensor.data<float>(), data);
    EXPECT_TRUE(tensor.is_writable());
    EXPECT_EQ(released, 0);
  }
  EXPECT_EQ(released, 1);
  EXPECT_FALSE(Tensor::borrow(ctx, data, DType::kFloat32, dims(2), dims(i64{1} << 62)).defined());
  EXPECT_EQ(ctx.error().kind, ErrorKind::kInvalidArgument);
}

TEST(ConstantTensor, IsNeverCounted) {
  const Tensor weight = kWeight;
  const Tensor again = kWeight;
  EXPECT_TRUE(weight.is_same(again));
  EXPECT_EQ(weight.bytes(), kBytes);
  EXPECT_EQ(to_vector(weight.sizes()), (std::vector<i64>{2, 8}));
  EXPECT_FALSE(weight.is_writable());
  Context ctx;
  {
    const Tensor view = weight.view(ctx, dims(16), dims(1));
  }
  EXPECT_EQ(ctx.live_bytes(), 0u);
  EXPECT_EQ(weight.impl()->references, kImmortal);
}

template <class T>
void check_dense_copy() {
  Context ctx;
  {
    const Tensor base = Tensor::empty(ctx, dtype_of<T>, dims(2, 3, 4));
    for (i64 i = 0; i < 24; ++i) base.data<T>()[i] = static_cast<T>(static_cast<double>(i % 2 + i / 2 * 2));
    const Tensor view = base.view(ctx, dims(4, 2, 3), dims(1, 12, 4));  // permuted
    const Tensor copy = dense(ctx, view);
    EXPECT_FALSE(copy.shares_storage(base));
    EXPECT_TRUE(copy.is_contiguous());
    for (i64 i = 0; i < 24; ++i) {
      const i64 from = i / 6 + i / 3 % 2 * 12 + i % 3 * 4;
      ASSERT_TRUE(copy.data<T>()[i] == base.data<T>()[from]);
    }
    EXPECT_TRUE(dense(ctx, base).is_same(base));
    const Tensor repeated = dense(ctx, base.view(ctx, dims(3, 2), dims(0, 1)));  // stride 0
    EXPECT_TRUE(repeated.data<T>()[4] == base.data<T>()[0] && repeated.data<T>()[5] == base.data<T>()[1]);
    EXPECT_EQ(dense(ctx, base.view(ctx, dims(3, 0), dims(7, 9))).numel(), 0);
  }
  EXPECT_TRUE(ctx.ok());
  EXPECT_EQ(ctx.live_bytes(), 0u);
}

TEST(Dense, CopiesElementsOfEachSize) {
  check_dense_copy<uint8_t>();
  check_dense_copy<int16_t>();
  check_dense_copy<float>();
  check_dense_copy<double>();
  check_dense_copy<Complex<double>>();
}

TEST(Tensor, FailedContextMakesNothing) {
  Context ctx;
  const Tensor good = Tensor::empty(ctx, DType::kFloat32, dims(1));
  ctx.fail(ErrorKind::kRuntime, "no");
  EXPECT_FALSE(Tensor::empty(ctx, DType::kFloat32, dims(1)).defined());
  EXPECT_FALSE(good.view(ctx, dims(1), dims(1)).defined());
}

}  // namespace
}  // namespace tsc
