// Times of the device's kernels, one line each: name, milliseconds, and GFLOP/s or GB/s. tests/cuda/bench.py compares them
// with PyTorch's.
#include <cstdio>
#include <cstring>

#include "cuda/kernels/attention.cuh"
#include "cuda/kernels/conv2d.cuh"
#include "cuda/kernels/layer_norm.cuh"
#include "cuda/kernels/pointwise.cuh"
#include "cuda/kernels/reduce.cuh"
#include "cuda/kernels/softmax.cuh"

using namespace tsc;
using namespace tsc::cuda;
using kernels::Clamp;
using kernels::Identity;
using kernels::in;
using kernels::out;

namespace {

Context ctx;
DeviceWeights weights(nullptr, 0);

// The median of several times of `repeats` launches.
template <class Run>
void time(const char* name, double work, const char* unit, const Run& run) {
  constexpr int kTimes = 7, kRepeats = 10;
  Launch launch(ctx, weights);
  cudaStream_t stream = DeviceState::of(ctx)->stream();
  cudaEvent_t begin, end;
  cudaEventCreate(&begin);
  cudaEventCreate(&end);
  float times[kTimes];
  run(launch);
  launch.finish();
  for (float& t : times) {
    cudaEventRecord(begin, stream);
    for (int i = 0; i < kRepeats; ++i) run(launch);
    cudaEventRecord(end, stream);
    launch.finish();
    cudaEventElapsedTime(&t, begin, end);
    t /= kRepeats;
  }
  for (int i = 0; i < kTimes; ++i) {
    for (int j = i + 1; j < kTimes; ++j) {
      if (times[j] < times[i]) {
        const float t = times[i];
        times[i] = times[j];
        times[j] = t;
      }
    }
  }
  if (!ctx.ok()) {
    std::printf("%s failed: %s\n", name, ctx.error().message);
    ctx.clear_error();
    return;
  }
  std::printf("%s %.5f %.1f %s\n", name, times[kTimes / 2], work / times[kTimes / 2] * 1e-6, unit);
}

struct Gelu {
  template <class V>
  TSC_INLINE V operator()(V x) const {
    return math::gelu(x);
  }
};
struct BiasGelu {
  template <class V>
  TSC_INLINE V operator()(V acc, kernels::Position) const {
    return math::gelu(acc);
  }
};
struct AddRelu {
  template <class V>
  TSC_INLINE V operator()(V a, V b) const {
    return math::relu(math::add(a, b));
  }
};

float* memory(size_t floats) {
  void* block = nullptr;
  if (cudaMalloc(&block, floats * sizeof(float)) != cudaSuccess) std::printf("no memory\n");
  cudaMemset(block, 0, floats * sizeof(float));
  return static_cast<float*>(block);
}

void time_linear(const char* name, i64 rows, i64 columns, i64 depth) {
  float *x = memory(rows * depth), *w = memory(columns * depth), *b = memory(columns), *y = memory(rows * columns);
  const kernels::Linear p{.rows = rows, .columns = columns, .depth = depth, .input_row = depth, .output_row = columns};
  time(name, 2.0 * rows * columns * depth, "GFLOP/s", [&](Launch& l) { linear(l, p, x, w, b, y, Identity()); });
  cudaFree(x), cudaFree(w), cudaFree(b), cudaFree(y);
}

template <int kSize>
void time_conv(const char* name, kernels::Conv2d p) {
  p.kernel_height = p.kernel_width = kSize;
  float* x = memory(p.batch * p.in_channels * p.in_height * p.in_width);
  float* w = memory(p.out_channels * p.in_channels / p.groups * kSize * kSize);
  float *b = memory(p.out_channels), *y = memory(p.batch * p.out_channels * p.out_height * p.out_width);
  const double work = 2.0 * p.batch * p.out_channels * p.out_height * p.out_width * p.in_channels / p.groups * kSize * kSize;
  time(name, work, "GFLOP/s", [&](Launch& l) { conv2d<kSize, kSize>(l, p, x, w, b, y, Clamp{0, kernels::kInfinity}); });
  cudaFree(x), cudaFree(w), cudaFree(b), cudaFree(y);
}

kernels::Conv2d image(i64 batch, i64 channels, i64 size, i64 out_channels, i64 out_size, i64 stride, i64 pad, i64 groups = 1) {
  return {.batch = batch, .in_channels = channels, .in_height = size, .in_width = size, .out_channels = out_channels,
          .out_height = out_size, .out_width = out_size, .stride_height = stride, .stride_width = stride, .pad_height = pad,
          .pad_width = pad, .groups = groups};
}

}  // namespace

int main() {
  time_linear("linear_4096x4096x4096", 4096, 4096, 4096);
  time_linear("linear_1024x1024x1024", 1024, 1024, 1024);
  time_linear("linear_128x768x768", 128, 768, 768);
  time_linear("linear_1x1000x512", 1, 1000, 512);
  time_conv<7>("conv_8x3x224_64_k7s2", image(8, 3, 224, 64, 112, 2, 3));
  time_conv<3>("conv_8x64x56_64_k3", image(8, 64, 56, 64, 56, 1, 1));
  time_conv<3>("conv_8x256x14_256_k3", image(8, 256, 14, 256, 14, 1, 1));
  time_conv<1>("conv_8x256x56_64_k1", image(8, 256, 56, 64, 56, 1, 0));
  time_conv<3>("conv_8x128x56_128_k3_depthwise", image(8, 128, 56, 128, 56, 1, 1, 128));
  const i64 rows = 16384, columns = 1024;
  float *x = memory(rows * columns), *y = memory(rows * columns), *z = memory(rows * columns), *w = memory(columns);
  const double bytes = 8.0 * rows * columns;
  const auto dense = kernels::Reduction::dense(rows, columns, 1);
  time("softmax_16384x1024", bytes, "GB/s", [&](Launch& l) { softmax<kernels::Share::kProbability>(l, dense, x, y, Identity()); });
  time("layer_norm_16384x1024", bytes, "GB/s", [&](Launch& l) {
    layer_norm(l, kernels::RowNorm{.rows = rows, .columns = columns, .input_row = columns}, Identity(), x, w, w, y, Identity());
  });
  time("sum_16384x1024", bytes / 2, "GB/s", [&](Launch& l) { reduce(l, dense, kernels::Sum{}, x, y, Identity()); });
  time("gelu_16M", bytes, "GB/s", [&](Launch& l) { pointwise(l, {rows * columns}, out(y, {1}), Gelu(), in(x, {1})); });
  time("add_relu_16M", 1.5 * bytes, "GB/s",
       [&](Launch& l) { pointwise(l, {rows * columns}, out(y, {1}), AddRelu(), in(x, {1}), in(z, {1})); });
  const kernels::Linear p{.rows = 4096, .columns = 1024, .depth = 256, .input_row = 256, .output_row = 1024};
  time("linear_gelu_fused_4096x1024x256", 1, "-", [&](Launch& l) { linear(l, p, x, z, w, y, BiasGelu()); });
  time("linear_gelu_unfused_4096x1024x256", 1, "-", [&](Launch& l) {
    linear(l, p, x, z, w, y, Identity());
    pointwise(l, {p.rows * p.columns}, out(y, {1}), Gelu(), in(y, {1}));
  });
  kernels::Attention a{.batch = 8, .heads = 12, .queries = 197, .keys = 197, .depth = 64, .value_depth = 64};
  a.query_row = a.key_row = a.value_row = a.output_row = 64;
  a.query_head = a.key_head = a.value_head = a.output_head = 197 * 64;
  a.query_batch = a.key_batch = a.value_batch = a.output_batch = 12 * 197 * 64;
  time("attention_8x12x197x64", 4.0 * 8 * 12 * 197 * 197 * 64, "GFLOP/s",
       [&](Launch& l) { attention(l, a, x, z, x, kernels::NoMask{}, y, Identity()); });
}
