// Speed of every register tile of kernels.def on layers of well-known networks: GF/s of one thread and percentage of
// the FMA peak that is measured beside it; * marks the tile that the selector takes. Winograd's figures count the
// direct form's arithmetic. Not a test: build the target kernel_bench and run it on a quiet machine.
//   kernel_bench [filter]   runs the cases whose name contains the filter
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "codegen/kernel_table.h"
#include "codegen/pack.h"
#include "runtime/kernels/conv2d.h"
#include "runtime/kernels/conv2d_depthwise.h"
#include "runtime/kernels/conv2d_winograd.h"
#include "runtime/kernels/gemm.h"
#include "runtime/kernels/pool.h"
#include "runtime/kernels/reorder.h"
#include "tests/kernels/images.h"

namespace tsc::kernels {
namespace {

constexpr int64_t kRegisters = kLanes == 16 ? 32 : 16;
const codegen::KernelTarget kTarget = {.vector_bytes = 4 * kLanes, .registers = kRegisters};

double now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

[[gnu::noinline]] float multiply_add(int64_t count) {
  constexpr int kSums = 12;
  VecF sums[kSums];
  for (int i = 0; i < kSums; ++i) sums[i] = splat<VecF>(static_cast<float>(i));
  for (int64_t k = 0; k < count; ++k) {
#pragma clang loop unroll(full)
    for (int i = 0; i < kSums; ++i) sums[i] = fma(sums[i], splat<VecF>(0.999f), splat<VecF>(1e-4f));
    asm volatile("" ::: "memory");
  }
  for (int i = 1; i < kSums; ++i) sums[0] += sums[i];
  return horizontal_sum(sums[0]);
}

double peak() {
  constexpr int64_t kCount = 50000;
  const double start = now();
  volatile float sink = multiply_add(kCount);
  (void)sink;
  return static_cast<double>(kCount * 12 * 2 * kLanes) / (now() - start);
}

struct Free {
  void operator()(float* data) const { std::free(data); }
};
// Floats on a page's border, as the product's arena has them.
struct Buffer {
  explicit Buffer(size_t count)
      : data(static_cast<float*>(std::aligned_alloc(4096, (count * sizeof(float) + 8191) / 4096 * 4096))) {
    for (size_t i = 0; i < count; ++i) data.get()[i] = static_cast<float>(i * 7 % 13) * 0.1f - 0.6f;
  }
  explicit Buffer(const std::vector<float>& values) : Buffer(values.size()) {
    std::memcpy(data.get(), values.data(), values.size() * sizeof(float));
  }
  float* get() const { return data.get(); }
  std::unique_ptr<float, Free> data;
};

std::string_view filter;

// The best of many short runs, since other work on the machine can only slow a run down.
template <class F>
void measure(const std::string& name, const std::string& tile, bool chosen, double flops, F run) {
  if (name.find(filter) == std::string::npos) return;
  double best = 1e9;
  double fastest = 0;
  for (int round = 0; round < 5; ++round) {
    fastest = std::max(fastest, peak());
    run();
    for (const double until = now() + 0.008; now() < until;) {
      const double start = now();
      run();
      best = std::min(best, now() - start);
    }
  }
  std::printf("%-34s %-34s%s %8.1f us %7.1f GF/s %4.0f %%\n", name.c_str(), tile.c_str(), chosen ? "*" : " ",
              best * 1e6, flops / best / 1e9, 100 * flops / best / fastest);
}

// An epilogue as residual blocks have it.
struct AddRelu {
  const float* residual;
  template <class V>
  V operator()(V acc, Position at) const {
    return max(splat<V>(0), acc + load<V>(residual + at.offset));
  }
};

template <int MR, int NV>
void bench_linear(int64_t rows, int64_t columns, int64_t depth) {
  const Linear p = {.rows = rows, .columns = columns, .depth = depth, .input_row = depth, .output_row = columns};
  const auto choice = codegen::select_linear(kTarget, {rows, columns, depth});
  const std::string tile = "linear<" + std::to_string(MR) + ", " + std::to_string(NV) + ">";
  const Buffer input(static_cast<size_t>(rows * depth)), output(static_cast<size_t>(rows * columns));
  const std::vector<float> plain(static_cast<size_t>(columns * depth), 0.01f);
  const Buffer weight(codegen::pack_panels({plain.data(), depth, columns, 1, depth}, kLanes, NV));
  const Buffer bias(static_cast<size_t>(columns + NV * kLanes));
  measure("linear " + std::to_string(rows) + "x" + std::to_string(columns) + "x" + std::to_string(depth), tile,
          choice.name() == tile, 2.0 * static_cast<double>(rows * columns * depth), [&] {
            linear<MR, NV>(p, input.get(), weight.get(), bias.get(), output.get(), Identity{}, 0,
                           linear_work_items<MR, NV>(p));
          });
}

// A convolution's name, sizes, and buffers for any kernel.
struct Layer {
  std::string name;
  Conv2d p;
  double flops() const {
    return 2.0 * static_cast<double>(p.batch * p.out_height * p.out_width * p.out_channels) *
           static_cast<double>(p.in_channels / p.groups * p.kernel_height * p.kernel_width);
  }
  codegen::Conv2dShape shape() const {
    return {p.batch,
            p.in_height,
            p.in_width,
            p.out_height,
            p.out_width,
            p.in_channels,
            p.out_channels,
            p.groups,
            p.kernel_height,
            p.kernel_width,
            p.stride_height,
            p.stride_width,
            p.pad_height,
            p.pad_width,
            1,
            1};
  }
  Buffer blocked(int64_t channels, int64_t size, int64_t halo) const {
    return Buffer(static_cast<size_t>(p.batch * blocked_image(channels, size, size, halo).batch));
  }
};

Layer layer(int64_t in, int64_t out, int64_t size, int64_t kernel, int64_t stride, int64_t groups) {
  Conv2d p = {.in_channels = in,
              .in_height = size * stride,
              .in_width = size * stride,
              .in_halo = 1,
              .out_channels = out,
              .out_height = size,
              .out_width = size,
              .out_halo = 1,
              .kernel_height = kernel,
              .kernel_width = kernel,
              .stride_height = stride,
              .stride_width = stride,
              .pad_height = kernel / 2,
              .pad_width = kernel / 2,
              .groups = groups};
  if (in <= 4) p.in_halo = 0;
  const std::string name = (groups > 1 ? "depthwise " : "conv ") + std::to_string(kernel) + "x" +
                           std::to_string(kernel) + "/" + std::to_string(stride) + " " + std::to_string(in) + "->" +
                           std::to_string(out) + " @" + std::to_string(size);
  return {name, p};
}

std::string tile_name(const char* kernel, std::vector<int64_t> arguments) {
  codegen::KernelChoice choice;
  choice.function = kernel;
  choice.template_arguments = std::move(arguments);
  return choice.name();
}

codegen::ConvWeight weight_of(const Conv2d& p, const std::vector<float>& data) {
  return {data, p.out_channels, p.in_channels, p.groups, p.kernel_height, p.kernel_width};
}
std::vector<float> plain_weight(const Conv2d& p) {
  return std::vector<float>(
      static_cast<size_t>(p.out_channels * p.in_channels / p.groups * p.kernel_height * p.kernel_width), 0.01f);
}

bool is_chosen(const Layer& l, codegen::Conv2dLayouts layouts, const std::string& tile) {
  const auto choice = codegen::select_conv2d(kTarget, l.shape(), layouts);
  return choice && choice->name() == tile;
}

template <int TH, int TW, int NV, int S>
void bench_blocked(const Layer& l) {
  const Conv2d& p = l.p;
  const auto data = plain_weight(p);
  const Buffer weight(codegen::pack_conv2d_blocked(weight_of(p, data), kLanes, NV));
  const Buffer bias(static_cast<size_t>(p.out_channels + NV * kLanes));
  const Buffer input = l.blocked(p.in_channels, p.in_height, p.in_halo);
  const Buffer output = l.blocked(p.out_channels, p.out_height, p.out_halo);
  const Buffer residual = l.blocked(p.out_channels, p.out_height, p.out_halo);
  const std::string tile = tile_name("conv2d_blocked", {TH, TW, NV, S});
  const bool chosen = is_chosen(l, codegen::Conv2dLayouts::kBlockedToBlocked, tile);
  const auto run = [&](const auto& epilogue) {
    conv2d_blocked<TH, TW, NV, S>(p, input.get(), weight.get(), bias.get(), output.get(), epilogue, 0,
                                  conv2d_blocked_work_items<TH, TW, NV, S>(p));
  };
  measure(l.name + " relu", tile, chosen, l.flops(), [&] { run(Clamp{0, kInfinity}); });
  measure(l.name + " add relu", tile, chosen, l.flops(), [&] { run(AddRelu{residual.get()}); });
}

template <int MR, int NV>
void bench_winograd(const Layer& l) {
  const Conv2d& p = l.p;
  const auto data = plain_weight(p);
  const Buffer weight(codegen::pack_conv2d_winograd(weight_of(p, data), kLanes, NV));
  const Buffer bias(static_cast<size_t>(p.out_channels + NV * kLanes));
  const Buffer input = l.blocked(p.in_channels, p.in_height, p.in_halo);
  const Buffer output = l.blocked(p.out_channels, p.out_height, p.out_halo);
  const Buffer scratch(static_cast<size_t>(conv2d_winograd_scratch_bytes<MR, NV>(p) / 4));
  const Buffer shared(static_cast<size_t>(conv2d_winograd_staged_scratch_bytes<MR, NV>(p) / 4));
  std::string tile = tile_name("conv2d_winograd", {MR, NV});
  measure(l.name + " relu", tile, is_chosen(l, codegen::Conv2dLayouts::kBlockedToBlocked, tile), l.flops(), [&] {
    conv2d_winograd<MR, NV>(p, input.get(), weight.get(), bias.get(), output.get(), Clamp{0, kInfinity}, scratch.get(),
                            0, conv2d_winograd_work_items<MR, NV>(p));
  });
  tile = tile_name("conv2d_winograd_staged", {MR, NV});
  measure(l.name + " relu", tile, is_chosen(l, codegen::Conv2dLayouts::kBlockedToBlocked, tile), l.flops(), [&] {
    for (int stage = 0; stage < kWinogradStages; ++stage) {
      conv2d_winograd_staged<MR, NV>(p, stage, input.get(), weight.get(), bias.get(), output.get(), Clamp{0, kInfinity},
                                     shared.get(), 0, conv2d_winograd_staged_work_items<MR, NV>(p, stage));
    }
  });
}

template <int TW, int NV>
void bench_plain_to_blocked(const Layer& l) {
  const Conv2d& p = l.p;
  const auto data = plain_weight(p);
  const Buffer weight(codegen::pack_conv2d_plain(weight_of(p, data), kLanes, NV));
  const Buffer bias(static_cast<size_t>(p.out_channels + NV * kLanes));
  const Buffer input(static_cast<size_t>(p.batch * p.in_channels * p.in_height * p.in_width));
  const Buffer output = l.blocked(p.out_channels, p.out_height, p.out_halo);
  const Buffer scratch(static_cast<size_t>(conv2d_plain_to_blocked_scratch_bytes<TW, NV>(p) / 4));
  const std::string tile = tile_name("conv2d_plain_to_blocked", {TW, NV});
  measure(l.name, tile, is_chosen(l, codegen::Conv2dLayouts::kPlainToBlocked, tile), l.flops(), [&] {
    conv2d_plain_to_blocked<TW, NV>(p, input.get(), weight.get(), bias.get(), output.get(), Clamp{0, kInfinity},
                                    scratch.get(), 0, conv2d_plain_to_blocked_work_items<TW, NV>(p));
  });
}

template <int TW, int K, int S>
void bench_depthwise(const Layer& l) {
  const Conv2d& p = l.p;
  const auto data = plain_weight(p);
  const Buffer weight(codegen::pack_conv2d_depthwise(weight_of(p, data), kLanes));
  const Buffer bias(static_cast<size_t>(p.out_channels + kLanes));
  const Buffer input = l.blocked(p.in_channels, p.in_height, p.in_halo);
  const Buffer output = l.blocked(p.out_channels, p.out_height, p.out_halo);
  const std::string tile = tile_name("conv2d_depthwise", {TW, K, S});
  measure(l.name, tile, is_chosen(l, codegen::Conv2dLayouts::kBlockedToBlocked, tile), l.flops(), [&] {
    conv2d_depthwise<TW, K, S>(p, input.get(), weight.get(), bias.get(), output.get(), Clamp{0, 6}, 0,
                               conv2d_depthwise_work_items<TW, K, S>(p));
  });
}

template <int TH, int TW, int NV>
void bench_blocked_layers() {
  for (const Layer& l : {layer(64, 64, 56, 3, 1, 1), layer(128, 128, 28, 3, 1, 1), layer(256, 256, 14, 3, 1, 1),
                         layer(512, 512, 7, 3, 1, 1), layer(64, 256, 56, 1, 1, 1), layer(256, 64, 56, 1, 1, 1),
                         layer(1024, 256, 14, 1, 1, 1), layer(256, 1024, 14, 1, 1, 1), layer(2048, 512, 7, 1, 1, 1),
                         layer(24, 144, 56, 1, 1, 1)}) {
    bench_blocked<TH, TW, NV, 1>(l);
  }
  bench_blocked<TH, TW, NV, 2>(layer(64, 128, 28, 3, 2, 1));
  bench_blocked<TH, TW, NV, 2>(layer(256, 512, 28, 1, 2, 1));
}

template <int MR, int NV>
void bench_winograd_layers() {
  for (const Layer& l : {layer(64, 64, 56, 3, 1, 1), layer(128, 128, 28, 3, 1, 1), layer(256, 256, 14, 3, 1, 1),
                         layer(512, 512, 7, 3, 1, 1)}) {
    bench_winograd<MR, NV>(l);
  }
}

template <int MR, int NV>
void bench_linear_layers() {
  bench_linear<MR, NV>(128, 768, 768);
  bench_linear<MR, NV>(128, 3072, 768);
  bench_linear<MR, NV>(128, 768, 3072);
  bench_linear<MR, NV>(64, 512, 512);
  bench_linear<MR, NV>(8, 768, 768);
  bench_linear<MR, NV>(4, 768, 768);
  bench_linear<MR, NV>(1, 768, 768);
  bench_linear<MR, NV>(1, 1000, 512);
  bench_linear<MR, NV>(197, 384, 1536);
  bench_linear<MR, NV>(128, 384, 384);
}

template <int TW>
void bench_depthwise_layers() {
  bench_depthwise<TW, 3, 1>(layer(32, 32, 112, 3, 1, 32));
  bench_depthwise<TW, 3, 1>(layer(144, 144, 56, 3, 1, 144));
  bench_depthwise<TW, 3, 1>(layer(384, 384, 14, 3, 1, 384));
  bench_depthwise<TW, 3, 2>(layer(96, 96, 56, 3, 2, 96));
}

void bench_images() {
  const Pool2d stem = {.channels = 64,
                       .in_height = 112,
                       .in_width = 112,
                       .in_halo = 1,
                       .out_height = 56,
                       .out_width = 56,
                       .out_halo = 1,
                       .kernel_height = 3,
                       .kernel_width = 3,
                       .stride_height = 2,
                       .stride_width = 2,
                       .pad_height = 1,
                       .pad_width = 1};
  const Buffer in(static_cast<size_t>(blocked_image(64, 112, 112, 1).batch));
  const Buffer out(static_cast<size_t>(blocked_image(64, 56, 56, 1).batch));
  measure("max pool 3x3/2 64 @56", "", true, 9.0 * 64 * 56 * 56,
          [&] { max_pool2d_blocked(stem, in.get(), out.get(), 0, pool2d_blocked_work_items(stem)); });
  const Reorder reorder = {.channels = 64, .height = 56, .width = 56, .halo = 1};
  const Buffer plain(64 * 56 * 56);
  measure("plain to blocked 64 @56", "", true, 64.0 * 56 * 56,
          [&] { plain_to_blocked(reorder, plain.get(), out.get(), 0, reorder_work_items(reorder)); });
  measure("blocked to plain 64 @56", "", true, 64.0 * 56 * 56,
          [&] { blocked_to_plain(reorder, out.get(), plain.get(), 0, reorder_work_items(reorder)); });
}

void bench_all() {
#define TSC_BENCH_linear(h, w, v) bench_linear_layers<w, v>();
#define TSC_BENCH_matmul(h, w, v)
#define TSC_BENCH_conv2d_blocked(h, w, v) bench_blocked_layers<h, w, v>();
#define TSC_BENCH_conv2d_plain_to_blocked(h, w, v) bench_plain_to_blocked<w, v>(layer(3, 64, 112, 7, 2, 1));
#define TSC_BENCH_conv2d_plain(h, w, v)
#define TSC_BENCH_conv2d_depthwise(h, w, v) bench_depthwise_layers<w>();
#define TSC_BENCH_conv2d_winograd(h, w, v) bench_winograd_layers<w, v>();
#define TSC_KERNEL(kernel, height, width, vectors, min_bytes, min_registers, packing) \
  if constexpr (min_bytes <= 4 * kLanes && min_registers == kRegisters) {       \
    TSC_BENCH_##kernel(height, width, vectors)                                        \
  }
#include "codegen/kernels.def"
  bench_images();
}

}  // namespace
}  // namespace tsc::kernels

int main(int argc, char** argv) {
  if (argc > 1) tsc::kernels::filter = argv[1];
  tsc::kernels::bench_all();
}
