// One loop over strided tensors of a common shape, for everything that goes element by element. Dimensions are ordered
// as PyTorch's TensorIterator orders them, so that new results get the same strides, and merged where they can be; the
// innermost one is handed out as rows.
#pragma once

#include "runtime/core/tensor.h"

namespace tsc {

// Sizes of any tensor, on the stack.
struct Shape {
  i64 rank = 0;
  i64 items[kMaxRank];

  Shape() = default;
  explicit Shape(Sizes sizes) : rank(sizes.size()) {
    libc::memcpy(items, sizes.data(), sizeof(i64) * static_cast<size_t>(rank));
  }
  operator Sizes() const { return Sizes(items, rank); }  // NOLINT(google-explicit-constructor)
  i64& operator[](i64 d) { return items[d]; }
  i64 operator[](i64 d) const { return items[d]; }
  void push(i64 size) { items[rank++] = size; }
  void insert(i64 at, i64 size) {
    for (i64 d = rank++; d > at; --d) items[d] = items[d - 1];
    items[at] = size;
  }
  void erase(i64 at) {
    --rank;
    for (i64 d = at; d < rank; ++d) items[d] = items[d + 1];
  }
  i64 numel() const {
    i64 n = 1;
    for (i64 d = 0; d < rank; ++d) n *= items[d];
    return n;
  }
};

inline bool same_sizes(Sizes a, Sizes b) {
  return a.size() == b.size() && libc::memcmp(a.data(), b.data(), sizeof(i64) * static_cast<size_t>(a.size())) == 0;
}

inline constexpr int kMaxLoopOperands = 5;

struct Loop {
  int operands = 0;
  i64 rank = 0;
  i64 sizes[kMaxRank];  // innermost first
  char* data[kMaxLoopOperands];
  i64 strides[kMaxLoopOperands][kMaxRank];  // bytes
};

// Collects operands (the output first when it exists already), orders the dimensions, then merges them.
class LoopBuilder {
 public:
  explicit LoopBuilder(const Shape& shape) : shape_(shape) {}

  // An operand that is broadcast to the shape. A number is one element with strides of 0.
  void add(char* data, Sizes sizes, Sizes strides, i64 element_bytes) {
    const int k = loop_.operands++;
    loop_.data[k] = data;
    const i64 missing = shape_.rank - sizes.size();
    for (i64 d = 0; d < shape_.rank; ++d) {
      const bool real = d >= missing && (sizes[d - missing] != 1 || shape_[d] == 1);
      strides_[k][d] = real ? strides[d - missing] * element_bytes : 0;
    }
  }
  void add(const Tensor& t) { add(t.bytes(), t.sizes(), t.strides(), t.element_size()); }
  void add_number(void* slot) { add(static_cast<char*>(slot), Sizes(), Sizes(), 0); }

  // perm()[0] is the dimension that varies fastest. Called once, with the operands that are there.
  void order() {
    for (i64 i = 0; i < shape_.rank; ++i) perm_[i] = shape_.rank - 1 - i;
    for (i64 i = 1; i < shape_.rank; ++i) {
      i64 moving = i;
      for (i64 j = i - 1; j >= 0; --j) {
        const int order = compare(perm_[j], perm_[moving]);
        if (order < 0) break;
        if (order > 0) {
          swap(perm_[j], perm_[moving]);
          moving = j;
        }
      }
    }
  }
  // Strides in elements of a new dense tensor whose dimensions follow the order.
  void new_strides(i64* strides) const {
    i64 next = 1;
    for (i64 i = 0; i < shape_.rank; ++i) {
      strides[perm_[i]] = next;
      next *= max<i64>(1, shape_[perm_[i]]);
    }
  }
  const Loop& finish() {
    loop_.rank = 0;
    for (i64 i = 0; i < shape_.rank; ++i) {
      const i64 d = perm_[i];
      if (shape_[d] == 1) continue;
      if (loop_.rank > 0 && extends(loop_.rank - 1, d)) {
        loop_.sizes[loop_.rank - 1] *= shape_[d];
        continue;
      }
      loop_.sizes[loop_.rank] = shape_[d];
      for (int k = 0; k < loop_.operands; ++k) loop_.strides[k][loop_.rank] = strides_[k][d];
      ++loop_.rank;
    }
    if (loop_.rank == 0) {
      loop_.rank = 1;
      loop_.sizes[0] = 1;
      for (int k = 0; k < loop_.operands; ++k) loop_.strides[k][0] = 0;
    }
    return loop_;
  }

 private:
  int compare(i64 a, i64 b) const {
    for (int k = 0; k < loop_.operands; ++k) {
      const i64 x = strides_[k][a], y = strides_[k][b];
      if (x == 0 || y == 0) continue;
      if (x != y) return x < y ? -1 : 1;
      if (shape_[a] > shape_[b]) return 1;
    }
    return 0;
  }
  bool extends(i64 inner, i64 d) const {
    for (int k = 0; k < loop_.operands; ++k) {
      if (loop_.strides[k][inner] * loop_.sizes[inner] != strides_[k][d]) return false;
    }
    return true;
  }
  const Shape& shape_;
  i64 perm_[kMaxRank];
  i64 strides_[kMaxLoopOperands][kMaxRank];
  Loop loop_;
};

// Calls `row(pointers)` for every row of loop.sizes[0] elements. The shape isn't empty.
template <class Row>
void for_each_row(const Loop& loop, Row row) {
  char* at[kMaxLoopOperands];
  i64 index[kMaxRank] = {};
  for (int k = 0; k < loop.operands; ++k) at[k] = loop.data[k];
  for (;;) {
    row(at);
    i64 d = 1;
    for (; d < loop.rank; ++d) {
      for (int k = 0; k < loop.operands; ++k) at[k] += loop.strides[k][d];
      if (++index[d] < loop.sizes[d]) break;
      for (int k = 0; k < loop.operands; ++k) at[k] -= loop.strides[k][d] * loop.sizes[d];
      index[d] = 0;
    }
    if (d >= loop.rank) return;
  }
}

// What a thread should have to do at least, in elements moved.
inline constexpr i64 kGrain = 1 << 15;
// The part of a loop whose index along dimension d is in [begin, end).
inline Loop part_of(const Loop& loop, i64 d, i64 begin, i64 end) {
  Loop part = loop;
  part.sizes[d] = end - begin;
  for (int k = 0; k < loop.operands; ++k) part.data[k] += begin * loop.strides[k][d];
  return part;
}
// Calls body(part) for parts of a loop whose outputs don't overlap, on the context's threads. `repeats` is how often
// the body goes over its part.
template <class Body>
void parallel_loop(Context& ctx, const Loop& loop, i64 repeats, Body body) {
  i64 d = loop.rank - 1, rest = repeats;
  while (d > 0 && loop.sizes[d] < 8 * ctx.threads()) --d;
  for (i64 other = 0; other < loop.rank; ++other) rest *= other == d ? 1 : loop.sizes[other];
  ctx.parallel_for(loop.sizes[d], kGrain / rest + 1, [&](i64 begin, i64 end) { body(part_of(loop, d, begin, end)); });
}
template <class Body>
void parallel_loop(Context& ctx, const Loop& loop, Body body) {
  parallel_loop(ctx, loop, 1, body);
}

}  // namespace tsc
