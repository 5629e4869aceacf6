// Products of matrices of float16 or bfloat16 on tensor cores, summed in float: result(m, n) = sum over k of a(m, k) * b(n, k).
//
// A block makes a tile of kM x kN results, a warp 32 x 32 of them. The tiles of a and b for kHalfStep values of k go through
// registers to shared memory while the tiles before them are multiplied. There two neighbours in k are one word, at [row][k / 2]; a
// pitch of 20 words lets the 32 words of a fragment come from as many banks.
#pragma once

#include "cuda/core/launch.cuh"
#include "cuda/core/mma.cuh"
#include "cuda/core/shared.cuh"

namespace tsc::cuda {

inline constexpr int kHalfStep = 32;  // of the depth
inline constexpr int kHalfWords = kHalfStep / 2;

constexpr int half_gemm_threads(int m, int n) { return (m / 32) * (n / 32) * 32; }

template <int kRows>
struct HalfTile {
  static constexpr int kPitch = kHalfWords + 4;
  using Type = Shared<uint32_t, 2 * kRows * kPitch>;  // two: one is filled while the other is read
  static __device__ __forceinline__ int at(int buffer, int row, int word) { return (buffer * kRows + row) * kPitch + word; }
};

template <class T>
__device__ __forceinline__ uint32_t pair_of(T low, T high) {
  return static_cast<uint32_t>(low.bits) | static_cast<uint32_t>(high.bits) << 16;
}

// Element (row, k) at data[row * row_stride + k * depth_stride], for each of a batch of matrices.
template <class T>
struct HalfRows {
  const T* data;
  i64 rows, depth, row_stride, depth_stride;
  i64 inner_batch = 1, batch_strides[2] = {};
  bool by_eight = false;  // neighbours in k are one load

  void choose_loads() {
    const auto whole = [](i64 n) { return n % 8 == 0; };
    by_eight = reinterpret_cast<uintptr_t>(data) % 16 == 0 && whole(batch_strides[0]) && whole(batch_strides[1]) &&
               depth_stride == 1 && whole(row_stride) && whole(depth);
  }

  // One thread's part of a tile.
  template <int kRows, int kThreads>
  class Reader {
   public:
    __device__ __forceinline__ Reader(const HalfRows& m, i64 batch, i64 first_row)
        : m_(m), data_(m.data + batch / m.inner_batch * m.batch_strides[0] + batch % m.inner_batch * m.batch_strides[1]),
          first_(first_row) {}

    __device__ __forceinline__ void fetch(i64 first_k) {
      if (m_.by_eight) {
        TSC_UNROLL
        for (int i = 0; i < kWords; i += 4) {
          const int e = static_cast<int>(threadIdx.x) + i / 4 * kThreads;
          const i64 r = first_ + e / (kHalfWords / 4), k = first_k + e % (kHalfWords / 4) * 8;
          const bool inside = r < m_.rows && k < m_.depth;
          const uint4 eight = inside ? *reinterpret_cast<const uint4*>(data_ + r * m_.row_stride + k) : uint4{0, 0, 0, 0};
          words_[i] = eight.x;
          words_[i + 1] = eight.y;
          words_[i + 2] = eight.z;
          words_[i + 3] = eight.w;
        }
        return;
      }
      each([&](int i, int row, int word) {
        const i64 r = first_ + row, k = first_k + 2 * word;
        const T* const from = data_ + r * m_.row_stride + k * m_.depth_stride;
        const bool inside = r < m_.rows;
        words_[i] = pair_of(inside && k < m_.depth ? from[0] : T(), inside && k + 1 < m_.depth ? from[m_.depth_stride] : T());
      });
    }
    template <class Tile>
    __device__ __forceinline__ void commit(Tile& tile, int buffer) const {
      if (m_.by_eight) {
        TSC_UNROLL
        for (int i = 0; i < kWords; ++i) {
          const int e = static_cast<int>(threadIdx.x) + i / 4 * kThreads;
          tile.set(HalfTile<kRows>::at(buffer, e / (kHalfWords / 4), e % (kHalfWords / 4) * 4 + i % 4), words_[i]);
        }
        return;
      }
      each([&](int i, int row, int word) { tile.set(HalfTile<kRows>::at(buffer, row, word), words_[i]); });
    }

   private:
    static constexpr int kWords = kRows * kHalfWords / kThreads;
    static_assert(kWords % 4 == 0);

    // Calls f(number of the word, row, word of the row), so that neighbours in memory fall to neighbouring threads.
    template <class F>
    __device__ __forceinline__ void each(const F& f) const {
      TSC_UNROLL
      for (int i = 0; i < kWords; ++i) {
        const int e = static_cast<int>(threadIdx.x) + i * kThreads;
        const bool by_rows = m_.row_stride == 1;
        f(i, by_rows ? e % kRows : e / kHalfWords, by_rows ? e / kRows : e % kHalfWords);
      }
    }

    const HalfRows& m_;
    const T* data_;
    i64 first_;
    uint32_t words_[kWords];
  };
};

template <class T, int kM, int kN, class A, class B, class Result>
__global__ void __launch_bounds__(half_gemm_threads(kM, kN))
    gemm_half_kernel(i64 rows, i64 columns, i64 depth, A a, B b, Result result) {
  constexpr int kThreads = half_gemm_threads(kM, kN);
  __shared__ typename HalfTile<kM>::Type a_tile;
  __shared__ typename HalfTile<kN>::Type b_tile;
  const i64 tiles_n = (columns + kN - 1) / kN, tiles_m = (rows + kM - 1) / kM;
  const i64 block = blockIdx.x;
  const i64 first_n = block % tiles_n * kN, first_m = block / tiles_n % tiles_m * kM, batch = block / tiles_n / tiles_m;
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const int g = lane / 4, t = lane % 4;
  const int warp_m = warp / (kN / 32) * 32, warp_n = warp % (kN / 32) * 32;
  typename A::template Reader<kM, kThreads> a_reader(a, batch, first_m);
  typename B::template Reader<kN, kThreads> b_reader(b, batch, first_n);

  float sums[2][4][4] = {};  // of 16 rows by 8 columns
  a_reader.fetch(0);
  b_reader.fetch(0);
  a_reader.commit(a_tile, 0);
  b_reader.commit(b_tile, 0);
  __syncthreads();
  int buffer = 0;
  for (i64 k0 = 0; k0 < depth; k0 += kHalfStep) {
    const bool more = k0 + kHalfStep < depth;
    if (more) {
      a_reader.fetch(k0 + kHalfStep);
      b_reader.fetch(k0 + kHalfStep);
    }
    TSC_UNROLL
    for (int word = t; word < kHalfWords; word += 8) {
      uint32_t a_words[2][4], b_words[4][2];
      TSC_UNROLL
      for (int i = 0; i < 2; ++i) {
        const int row = warp_m + i * 16 + g;
        a_words[i][0] = a_tile.get(HalfTile<kM>::at(buffer, row, word));
        a_words[i][1] = a_tile.get(HalfTile<kM>::at(buffer, row + 8, word));
        a_words[i][2] = a_tile.get(HalfTile<kM>::at(buffer, row, word + 4));
        a_words[i][3] = a_tile.get(HalfTile<kM>::at(buffer, row + 8, word + 4));
      }
      TSC_UNROLL
      for (int j = 0; j < 4; ++j) {
        const int column = warp_n + j * 8 + g;
        b_words[j][0] = b_tile.get(HalfTile<kN>::at(buffer, column, word));
        b_words[j][1] = b_tile.get(HalfTile<kN>::at(buffer, column, word + 4));
      }
      TSC_UNROLL
      for (int i = 0; i < 2; ++i) {
        TSC_UNROLL
        for (int j = 0; j < 4; ++j) mma_16x8x16<T>(sums[i][j], a_words[i], b_words[j]);
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
  for (int column = 0; column < 8; ++column) {
    const i64 n = first_n + warp_n + column / 2 * 8 + t * 2 + column % 2;
    if (n >= columns) continue;
    TSC_UNROLL
    for (int row = 0; row < 4; ++row) {
      const i64 m = first_m + warp_m + row * 8 + g;
      if (m < rows) result.store(batch, m, n, sums[row / 2][column / 2][row % 2 * 2 + column % 2]);
    }
  }
}

// Large tiles where they give every processor some; small ones elsewhere.
template <class T, class A, class B, class Result>
void gemm_half(Launch& launch, i64 rows, i64 columns, i64 depth, i64 batch, const A& a, const B& b, const Result& result) {
  const auto blocks = [&](i64 m, i64 n) { return ((rows + m - 1) / m) * ((columns + n - 1) / n) * batch; };
  if (blocks(128, 128) >= launch.processors() && rows > 64 && columns > 64) {
    launch.run(gemm_half_kernel<T, 128, 128, A, B, Result>, static_cast<unsigned>(blocks(128, 128)),
               half_gemm_threads(128, 128), rows, columns, depth, a, b, result);
  } else {
    launch.run(gemm_half_kernel<T, 64, 64, A, B, Result>, static_cast<unsigned>(blocks(64, 64)), half_gemm_threads(64, 64),
               rows, columns, depth, a, b, result);
  }
}

}  // namespace tsc::cuda
