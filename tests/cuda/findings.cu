// Kernels with faults that the emulator must find, one for each name that the program gets; "right" has none.
#include <cstdio>
#include <cstring>

#include "cuda/core/launch.cuh"
#include "cuda/core/mma.cuh"
#include "cuda/kernels/team.cuh"

using namespace tsc;
using namespace tsc::cuda;

namespace {

__global__ void right(float* out) {
  __shared__ Shared<float, 64> tile;
  const int i = static_cast<int>(threadIdx.x);
  tile.set(i, static_cast<float>(i));
  __syncthreads();
  out[i] = tile.get(63 - i) + combine_team<2>(1.0f, [](float a, float b) { return a + b; });
}

// Reads what a neighbour writes between the same barriers.
__global__ void read_race(float* out) {
  __shared__ Shared<float, 65> tile;
  const int i = static_cast<int>(threadIdx.x);
  tile.set(i, 1);
  if (i == 0) tile.set(64, 1);
  out[i] = tile.get((i + 1) % 64);
}

__global__ void write_race(float* out) {
  __shared__ Shared<float, 1> tile;
  tile.set(0, static_cast<float>(threadIdx.x));
  __syncthreads();
  out[threadIdx.x] = tile.get(0);
}

// Writes, after others have read and without a barrier between.
__global__ void write_after_read(float* out) {
  __shared__ Shared<float, 64> tile;
  const int i = static_cast<int>(threadIdx.x);
  tile.set(i, 1);
  __syncthreads();
  out[i] = tile.get(63 - i);
  tile.set(i, 2);
}

__global__ void unwritten(float* out) {
  __shared__ Shared<float, 64> tile;
  out[threadIdx.x] = tile.get(static_cast<int>(threadIdx.x));
}

__global__ void outside(float* out) {
  __shared__ Shared<float, 64> tile;
  tile.set(static_cast<int>(threadIdx.x) + 1, 1);
  out[threadIdx.x] = 0;
}

__global__ void missed_barrier(float* out) {
  if (threadIdx.x < 32) __syncthreads();
  out[threadIdx.x] = 0;
}

__global__ void missed_shuffle(float* out) {
  float x = 1;
  if (threadIdx.x < 16) x = __shfl_xor_sync(~0u, x, 1);
  out[threadIdx.x] = x;
}

__global__ void missed_product(float* out) {
  float sums[4] = {};
  const uint32_t a[4] = {}, b[2] = {};
  if (threadIdx.x != 40) mma_16x8x16<Float16>(sums, a, b);
  out[threadIdx.x] = sums[0];
}

__global__ void past_the_end(float* out) { out[threadIdx.x + 1] = 0; }

}  // namespace

int main(int, char** arguments) {
  const char* const name = arguments[1];
  Context ctx;
  DeviceWeights weights(nullptr, 0);
  const i64 sizes[] = {64};
  const Tensor result = Tensor::empty(ctx, DType::kFloat32, sizes);
  Launch launch(ctx, weights);
  float* const out = launch.output<float>(result);
  float host[64] = {};
  const struct {
    const char* name;
    void (*kernel)(float*);
  } kernels[] = {{"right", right},         {"read_race", read_race}, {"write_race", write_race},
                 {"unwritten", unwritten}, {"outside", outside},     {"write_after_read", write_after_read},
                 {"missed_product", missed_product}, {"missed_barrier", missed_barrier}, {"missed_shuffle", missed_shuffle}};
  for (const auto& row : kernels) {
    if (std::strcmp(row.name, name) == 0) launch.run(row.kernel, 3, 64, out);
  }
  if (std::strcmp(name, "host_pointer") == 0) launch.run(right, 1, 64, static_cast<float*>(host));
  if (std::strcmp(name, "device_copy") == 0) cudaMemcpy(out, out, sizeof host, cudaMemcpyDeviceToHost);
  if (std::strcmp(name, "host_read") == 0) host[0] = out[0];
  if (std::strcmp(name, "host_write") == 0) out[63] = 1;
  if (std::strcmp(name, "past_the_end") == 0) launch.run(past_the_end, 1, 64, out);
  const float first = result.data<const float>()[0];
  std::printf("%s %g\n", ctx.ok() ? "done" : ctx.error().message, static_cast<double>(first));
}
