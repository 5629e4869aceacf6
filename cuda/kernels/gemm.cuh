// Products of matrices: result(m, n) = sum over k of a(m, k) * b(n, k). Of floats on the CUDA cores, as here; of float16 and bfloat16
// on tensor cores (gemm_half.cuh).
//
//   linear(launch, p, input, weight, bias, output, epilogue)     weight is [columns][depth]; bias may be null
//   matmul(launch, p, a, b, output, epilogue)
//
// A block of 256 threads makes a tile of kM x kN results, a thread kM / 16 by kN / 16 of them, in fours that lie 64 apart. The
// tiles of a and b for kStep values of k go through registers to shared memory, [k][row], while the tiles before them are
// multiplied. What an operand and the results are is the caller's (conv2d.cuh gathers an image): see StridedRows, and
// RowMajorResult.
#pragma once

#include "cuda/core/launch.cuh"
#include "cuda/core/shared.cuh"
#include "cuda/kernels/gemm_half.cuh"
#include "runtime/kernels/epilogue.h"
#include "runtime/kernels/gemm.h"

namespace tsc::cuda {

using kernels::Linear;
using kernels::Matmul;
using kernels::Position;

inline constexpr int kGemmThreads = 256;
inline constexpr int kStep = 16;  // of the depth
// From sm_100 on ptxas fetches so much of a whole step ahead that the largest tile's registers spill.
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 1000
#define TSC_UNROLL_DEPTH _Pragma("unroll 8")
#else
#define TSC_UNROLL_DEPTH TSC_UNROLL
#endif

// A tile of kRows rows in shared memory. A pitch of whole fours keeps them aligned; four more than the rows spreads stores
// over the banks.
template <int kRows>
struct SharedTile {
  static constexpr int kPitch = kRows + 4;
  using Type = Shared<float, 2 * kStep * kPitch>;  // two: one is filled while the other is read
  static __device__ __forceinline__ int at(int buffer, int k, int row) { return (buffer * kStep + k) * kPitch + row; }
};

// Element (row, k) at data[row * row_stride + k * depth_stride], for each of a batch of matrices.
struct StridedRows {
  const float* data;
  i64 rows, depth, row_stride, depth_stride;
  i64 inner_batch = 1, batch_strides[2] = {};
  // Which four elements are one load: neighbours in k, in rows, or none.
  enum class Fours { kNone, kDepth, kRows } fours = Fours::kNone;

  void choose_fours() {
    const auto whole = [](i64 n) { return n % 4 == 0; };
    const bool aligned = reinterpret_cast<uintptr_t>(data) % 16 == 0 && whole(batch_strides[0]) && whole(batch_strides[1]);
    if (aligned && depth_stride == 1 && whole(row_stride) && whole(depth)) {
      fours = Fours::kDepth;
    } else if (aligned && row_stride == 1 && whole(depth_stride) && whole(rows)) {
      fours = Fours::kRows;
    }
  }

  // One thread's part of a tile.
  template <int kRows>
  class Reader {
   public:
    __device__ __forceinline__ Reader(const StridedRows& m, i64 batch, i64 first_row)
        : m_(m), data_(m.data + batch / m.inner_batch * m.batch_strides[0] + batch % m.inner_batch * m.batch_strides[1]),
          first_(first_row) {}

    __device__ __forceinline__ void fetch(i64 first_k) {
      each([&](int i, int row, int k, auto count) {
        const i64 r = first_ + row, at_k = first_k + k;
        const bool inside = r < m_.rows && at_k < m_.depth;
        const float* const from = data_ + r * m_.row_stride + at_k * m_.depth_stride;
        if constexpr (count.value == 4) {
          const float4 four = inside ? *reinterpret_cast<const float4*>(from) : float4{0, 0, 0, 0};
          values_[i] = four.x;
          values_[i + 1] = four.y;
          values_[i + 2] = four.z;
          values_[i + 3] = four.w;
        } else {
          values_[i] = inside ? *from : 0.0f;
        }
      });
    }
    template <class Tile>
    __device__ __forceinline__ void commit(Tile& tile, int buffer) const {
      const bool by_rows = m_.fours == Fours::kRows;
      each([&](int i, int row, int k, auto count) {
        TSC_UNROLL
        for (int j = 0; j < count.value; ++j) {
          tile.set(SharedTile<kRows>::at(buffer, by_rows ? k : k + j, by_rows ? row + j : row), values_[i + j]);
        }
      });
    }

   private:
    static constexpr int kValues = kRows * kStep / kGemmThreads;
    template <int kCount>
    struct Count {
      static constexpr int value = kCount;
    };

    // Calls f(number of the first value, row, k, how many values), so that neighbours in memory fall to neighbouring threads.
    template <class F>
    __device__ __forceinline__ void each(const F& f) const {
      const int thread = static_cast<int>(threadIdx.x);
      if (m_.fours == Fours::kDepth) {
        TSC_UNROLL
        for (int i = 0; i < kValues; i += 4) {
          const int e = thread + i / 4 * kGemmThreads;
          f(i, e / (kStep / 4), e % (kStep / 4) * 4, Count<4>());
        }
      } else if (m_.fours == Fours::kRows) {
        TSC_UNROLL
        for (int i = 0; i < kValues; i += 4) {
          const int e = thread + i / 4 * kGemmThreads;
          f(i, e % (kRows / 4) * 4, e / (kRows / 4), Count<4>());
        }
      } else if (m_.row_stride == 1) {
        TSC_UNROLL
        for (int i = 0; i < kValues; ++i) {
          const int e = thread + i * kGemmThreads;
          f(i, e % kRows, e / kRows, Count<1>());
        }
      } else {
        TSC_UNROLL
        for (int i = 0; i < kValues; ++i) {
          const int e = thread + i * kGemmThreads;
          f(i, e / kStep, e % kStep, Count<1>());
        }
      }
    }

    const StridedRows& m_;
    const float* data_;
    i64 first_;
    float values_[kValues];
  };
};

// Results of a batch of row-major matrices; `bias` has one number per column and may be null.
template <class T, class Epilogue>
struct RowMajorResult {
  T* output;
  const T* bias;
  i64 row_stride;
  i64 inner_batch, batch_strides[2];
  Epilogue epilogue;

  __device__ __forceinline__ void store(i64 batch, i64 m, i64 n, float sum) const {
    const i64 offset = batch / inner_batch * batch_strides[0] + batch % inner_batch * batch_strides[1] + m * row_stride + n;
    const float biased = bias != nullptr ? sum + static_cast<float>(bias[n]) : sum;
    output[offset] = static_cast<T>(epilogue(biased, Position{offset, n}));
  }
};

template <int kM, int kN, class A, class B, class Result>
__global__ void __launch_bounds__(kGemmThreads) gemm_kernel(i64 rows, i64 columns, i64 depth, A a, B b, Result result) {
  constexpr int kGroupsM = kM / 64, kGroupsN = kN / 64;
  __shared__ typename SharedTile<kM>::Type a_tile;
  __shared__ typename SharedTile<kN>::Type b_tile;
  const i64 tiles_n = (columns + kN - 1) / kN, tiles_m = (rows + kM - 1) / kM;
  const i64 block = blockIdx.x;
  const i64 first_n = block % tiles_n * kN, first_m = block / tiles_n % tiles_m * kM, batch = block / tiles_n / tiles_m;
  const int x = static_cast<int>(threadIdx.x) % 16, y = static_cast<int>(threadIdx.x) / 16;
  typename A::template Reader<kM> a_reader(a, batch, first_m);
  typename B::template Reader<kN> b_reader(b, batch, first_n);

  float sums[kGroupsM * 4][kGroupsN * 4] = {};
  a_reader.fetch(0);
  b_reader.fetch(0);
  a_reader.commit(a_tile, 0);
  b_reader.commit(b_tile, 0);
  __syncthreads();
  int buffer = 0;
  for (i64 k0 = 0; k0 < depth; k0 += kStep) {
    const bool more = k0 + kStep < depth;
    if (more) {
      a_reader.fetch(k0 + kStep);
      b_reader.fetch(k0 + kStep);
    }
    TSC_UNROLL_DEPTH
    for (int k = 0; k < kStep; ++k) {
      float a_values[kGroupsM * 4], b_values[kGroupsN * 4];
      TSC_UNROLL
      for (int g = 0; g < kGroupsM; ++g) {
        const float4 four = a_tile.get4(SharedTile<kM>::at(buffer, k, g * 64 + y * 4));
        a_values[g * 4] = four.x;
        a_values[g * 4 + 1] = four.y;
        a_values[g * 4 + 2] = four.z;
        a_values[g * 4 + 3] = four.w;
      }
      TSC_UNROLL
      for (int g = 0; g < kGroupsN; ++g) {
        const float4 four = b_tile.get4(SharedTile<kN>::at(buffer, k, g * 64 + x * 4));
        b_values[g * 4] = four.x;
        b_values[g * 4 + 1] = four.y;
        b_values[g * 4 + 2] = four.z;
        b_values[g * 4 + 3] = four.w;
      }
      TSC_UNROLL
      for (int i = 0; i < kGroupsM * 4; ++i) {
        TSC_UNROLL
        for (int j = 0; j < kGroupsN * 4; ++j) sums[i][j] = tsc::fma(a_values[i], b_values[j], sums[i][j]);
      }
    }
    if (more) {
      buffer ^= 1;
      a_reader.commit(a_tile, buffer);
      b_reader.commit(b_tile, buffer);
      __syncthreads();
    }
  }
  // Column by column, since where an image's column lies takes a division.
  TSC_UNROLL
  for (int j = 0; j < kGroupsN * 4; ++j) {
    const i64 n = first_n + j / 4 * 64 + x * 4 + j % 4;
    if (n >= columns) continue;
    TSC_UNROLL
    for (int i = 0; i < kGroupsM * 4; ++i) {
      const i64 m = first_m + i / 4 * 64 + y * 4 + i % 4;
      if (m < rows) result.store(batch, m, n, sums[i][j]);
    }
  }
}

// Large tiles where they give every processor some; small ones elsewhere.
template <class A, class B, class Result>
void gemm(Launch& launch, i64 rows, i64 columns, i64 depth, i64 batch, const A& a, const B& b, const Result& result) {
  const auto blocks = [&](i64 m, i64 n) { return ((rows + m - 1) / m) * ((columns + n - 1) / n) * batch; };
  if (blocks(128, 128) >= launch.processors() && rows > 64 && columns > 64) {
    launch.run(gemm_kernel<128, 128, A, B, Result>, static_cast<unsigned>(blocks(128, 128)), kGemmThreads, rows, columns,
               depth, a, b, result);
  } else {
    launch.run(gemm_kernel<64, 64, A, B, Result>, static_cast<unsigned>(blocks(64, 64)), kGemmThreads, rows, columns, depth,
               a, b, result);
  }
}

// The same for whatever matrices of T.
template <class T, class Result>
void gemm_rows(Launch& launch, i64 rows, i64 columns, i64 depth, i64 batch, StridedRows a, StridedRows b, const Result& result) {
  a.choose_fours();
  b.choose_fours();
  gemm(launch, rows, columns, depth, batch, a, b, result);
}
template <class T, class Result>
void gemm_rows(Launch& launch, i64 rows, i64 columns, i64 depth, i64 batch, HalfRows<T> a, HalfRows<T> b, const Result& result) {
  a.choose_loads();
  b.choose_loads();
  gemm_half<T>(launch, rows, columns, depth, batch, a, b, result);
}

template <class T, bool kHalf = kIsHalf<T>>
struct RowsOf {
  using Type = StridedRows;
};
template <class T>
struct RowsOf<T, true> {
  using Type = HalfRows<T>;
};
template <class T>
using Rows = typename RowsOf<T>::Type;

template <class T, class Epilogue>
void linear(Launch& launch, const Linear& p, const T* input, const T* weight, const Given<T>* bias, T* output,
            const Epilogue& epilogue) {
  const Rows<T> a{.data = input, .rows = p.rows, .depth = p.depth, .row_stride = p.input_row, .depth_stride = 1};
  const Rows<T> b{.data = weight, .rows = p.columns, .depth = p.depth, .row_stride = p.depth, .depth_stride = 1};
  const RowMajorResult<T, Epilogue> result{output, bias, p.output_row, 1, {0, 0}, epilogue};
  gemm_rows<T>(launch, p.rows, p.columns, p.depth, 1, a, b, result);
}

template <class T, class Epilogue>
void matmul(Launch& launch, const Matmul& p, const T* a_data, const T* b_data, T* output, const Epilogue& epilogue) {
  Rows<T> a{.data = a_data, .rows = p.rows, .depth = p.depth, .row_stride = p.a_row, .depth_stride = p.a_depth};
  Rows<T> b{.data = b_data, .rows = p.columns, .depth = p.depth, .row_stride = p.b_column, .depth_stride = p.b_depth};
  a.inner_batch = b.inner_batch = p.batch[1];
  for (int i = 0; i < 2; ++i) {
    a.batch_strides[i] = p.a_batch[i];
    b.batch_strides[i] = p.b_batch[i];
  }
  const RowMajorResult<T, Epilogue> result{
      output, nullptr, p.output_row, p.batch[1], {p.output_batch[0], p.output_batch[1]}, epilogue};
  gemm_rows<T>(launch, p.rows, p.columns, p.depth, p.batch[0] * p.batch[1], a, b, result);
}

}  // namespace tsc::cuda
