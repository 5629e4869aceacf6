// Every kernel, with each kind of functor: nvcc_test.py compiles this for all architectures.
#include "cuda/kernels/attention.cuh"
#include "cuda/kernels/conv2d.cuh"
#include "cuda/kernels/embedding.cuh"
#include "cuda/kernels/gemm.cuh"
#include "cuda/kernels/layer_norm.cuh"
#include "cuda/kernels/pointwise.cuh"
#include "cuda/kernels/pool.cuh"
#include "cuda/kernels/reduce.cuh"
#include "cuda/kernels/softmax.cuh"

namespace tsc::cuda {

using namespace tsc::kernels;

struct AddGelu {
  const float* other;
  template <class V>
  TSC_INLINE V operator()(V acc, Position at) const {
    return math::gelu(math::add(acc, load<V>(other + at.offset)));
  }
};
struct Mixed {
  TSC_INLINE Vec<float, kLanes> operator()(Vec<i64, kLanes> a, Vec<bool, kLanes> b, Vec<double, kLanes> c) const {
    return math::where(b, convert<float>(a), convert<float>(math::pow(c, c)));
  }
};

struct AddHalf {
  const Float16* other;
  template <class V>
  TSC_INLINE V operator()(V acc, Position at) const {
    return math::relu(math::add(acc, static_cast<V>(*(other + at.offset))));
  }
};
struct MixedHalf {
  TSC_INLINE Vec<float, kLanes> operator()(Vec<float, kLanes> a, Vec<float, kLanes> b) const { return math::mul(a, b); }
};

template <class T>
void halves(Launch& launch, T* y, const T* x, const i64* i, const bool* b) {
  linear(launch, Linear{}, x, x, nullptr, y, Identity());
  linear(launch, Linear{}, x, x, x, y, Clamp{0, kInfinity});
  matmul(launch, Matmul{}, x, x, y, Identity());
  conv2d<1, 1>(launch, Conv2d{}, x, x, x, y, Clamp{0, 6});
  conv2d<3, 3>(launch, Conv2d{}, x, x, nullptr, y, Identity());
  conv2d<7, 7>(launch, Conv2d{}, x, x, nullptr, y, Identity());
  attention(launch, Attention{}, x, x, x, NoMask{}, y, Identity());
  attention(launch, Attention{}, x, x, x, x, y, Identity());
  attention(launch, Attention{}, x, x, x, b, y, Identity());
  embedding(launch, Embedding{}, 4, x, i, y, Identity());
  layer_norm(launch, RowNorm{}, Identity(), x, x, x, y, Identity());
  pointwise(launch, {4, 4}, out(y, {4, 1}), MixedHalf(), in(x, {4, 1}), in(x, {0, 1}));
  pointwise(launch, {4, 4}, out(y, {4, 1}), Copy(), in(x, {4, 1}));
  max_pool2d(launch, Pool2d{}, x, y);
  avg_pool2d(launch, Pool2d{}, x, y);
  adaptive_avg_pool2d(launch, Pool2d{}, x, y);
  reduce(launch, Reduction{}, Sum{}, x, y, Identity());
  reduce(launch, Reduction{}, kernels::Max{}, x, y, Identity());
  softmax<Share::kProbability>(launch, Reduction{}, x, y, Identity());
  softmax<Share::kLogProbability>(launch, Reduction{}, x, y, Identity());
}
template void halves(Launch&, Float16*, const Float16*, const i64*, const bool*);
template void halves(Launch&, BFloat16*, const BFloat16*, const i64*, const bool*);

void residual(Launch& launch, Float16* y, const Float16* x) { linear(launch, Linear{}, x, x, x, y, AddHalf{x}); }

void all(Launch& launch, float* y, const float* x, i64* to, const i64* i, const bool* b, const double* d) {
  linear(launch, Linear{}, x, x, nullptr, y, AddGelu{x});
  linear(launch, Linear{}, x, x, x, y, Clamp{0, kInfinity});
  matmul(launch, Matmul{}, x, x, y, Identity());
  conv2d<1, 1>(launch, Conv2d{}, x, x, x, y, Clamp{0, 6});
  conv2d<3, 3>(launch, Conv2d{}, x, x, nullptr, y, AddGelu{x});
  conv2d<7, 7>(launch, Conv2d{}, x, x, nullptr, y, Identity());
  attention(launch, Attention{}, x, x, x, NoMask{}, y, Identity());
  attention(launch, Attention{}, x, x, x, x, y, Identity());
  attention(launch, Attention{}, x, x, x, b, y, Identity());
  embedding(launch, Embedding{}, 4, x, i, y, Identity());
  layer_norm(launch, RowNorm{}, Identity(), x, x, x, y, AddGelu{x});
  pointwise(launch, {4, 4}, out(y, {4, 1}), Mixed(), in(i, {4, 1}), in(b, {0, 1}), in(d, {0, 0}));
  max_pool2d(launch, Pool2d{}, x, y);
  avg_pool2d(launch, Pool2d{}, x, y);
  adaptive_avg_pool2d(launch, Pool2d{}, x, y);
  reduce(launch, Reduction{}, Sum{}, x, y, Identity());
  reduce(launch, Reduction{}, Sum{}, b, to, Identity());
  reduce(launch, Reduction{}, Mean{}, d, y, Identity());
  reduce(launch, Reduction{}, kernels::Max{}, i, to, Identity());
  reduce(launch, Reduction{}, kernels::Min{}, x, y, Identity());
  softmax<Share::kProbability>(launch, Reduction{}, x, y, Identity());
  softmax<Share::kLogProbability>(launch, Reduction{}, x, y, Identity());
}

}  // namespace tsc::cuda
